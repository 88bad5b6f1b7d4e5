"""Whatever a stranger publishes to any queue: no process ends, the neighbours arrive, and each
message that nobody can use is one dead letter, with its body as it came, that the admin shows."""

import hashlib
import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

import amqp
import pytest
import requests
from amqp.exceptions import AMQPError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devtools.faults.raw_amqp import Raw, Typed, publish
from events.lanes import lanes
from events.registry import subscribers
from tests.flow.world import PASSWORD, World
from tests.waiting import until

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "8"))
EVENT_QUEUES = [each.queue for each in subscribers.values()]
LANES = list(lanes)
DEAD = "dead.letters"
FRAME = 131_072
BODY_LIMIT = 1_000_000
LARGEST = 15_000_000

# --- what a stranger sends ------------------------------------------------------------------------

short = st.one_of(
    st.sampled_from([b"", b"application/json", b"utf-8", b"\xff\xfe", b"\xed\xa0\x80", b"a\0b"]),
    st.binary(max_size=255),
)
scalars = st.one_of(
    st.builds(Typed, st.just("t"), st.booleans()),
    st.builds(Typed, st.just("b"), st.integers(-128, 127)),
    st.builds(Typed, st.just("B"), st.integers(0, 255)),
    st.builds(Typed, st.just("s"), st.integers(-(2**15), 2**15 - 1)),
    st.builds(Typed, st.just("u"), st.integers(0, 2**16 - 1)),
    st.builds(Typed, st.just("I"), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Typed, st.just("i"), st.integers(0, 2**32 - 1)),
    st.builds(Typed, st.just("l"), st.integers(-(2**63), 2**63 - 1)),
    st.builds(Typed, st.just("f"), st.floats(width=32)),
    st.builds(Typed, st.just("d"), st.floats()),
    st.builds(Typed, st.just("D"), st.decimals(-20_000, 20_000, allow_nan=False, places=3)),
    st.builds(Typed, st.just("T"), st.integers(0, 2**64 - 1)),
    st.builds(Typed, st.just("S"), st.binary(max_size=300)),
    st.builds(Typed, st.just("x"), st.binary(max_size=300)),
    st.just(Typed("V")),
)


def tables(values):
    return st.dictionaries(st.binary(max_size=30), values, max_size=4)


values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(Typed, st.just("F"), tables(inner)),
        st.builds(Typed, st.just("A"), st.lists(inner, max_size=4)),
    ),
    max_leaves=12,
)


def string(*texts: bytes):
    return st.sampled_from([Typed("S", text) for text in texts])


def deep(levels: int) -> Typed:
    """So many tables, each in the one before."""
    content = b""
    for _ in range(levels):
        content = b"\0F" + struct.pack(">I", len(content)) + content
    return Typed("F", content)


# Headers that somebody here, at Celery or at RabbitMQ might read, with what might be expected there
# as well as with anything at all.
KNOWN = {
    b"task": string(b"timelines.write_slices", b"no.such", b"", b"\xff"),
    b"id": string(b"x", b"\xff", b"x" * 300, b""),
    b"compression": string(b"gzip", b"application/x-gzip", b"bzip2", b"lzma", b"zstd", b"\xff"),
    b"retries": st.builds(Typed, st.just("l"), st.integers(-5, 2**62)),
    b"eta": string(b"2999-01-01T00:00:00", b"soon", b"\xff"),
    b"expires": string(b"2999-01-01T00:00:00", b"0001-01-01T00:00:00", b"never"),
    b"timelimit": st.just(Typed("A", [Typed("S", b"x"), Typed("V")])),
    b"x-death": st.sampled_from(
        [
            Typed("A", [Typed("F", {b"queue": Typed("A", []), b"reason": Typed("V")})]),
            Typed("A", [Typed("A", [Typed("A", [])])]),
            Typed("A", [Typed("S", b"x"), Typed("F", {})]),
        ]
    ),
    b"x-delivery-count": string(b"many"),
    b"traceparent": string(b"00-\xff", b"x" * 4_000),
    b"request_id": values,
    b"x-connectify-replay": string(b"yes"),
    b"is_eager": st.just(Typed("t", True)),
    b"stamped_headers": string(b"x"),
}
headers = st.builds(
    dict.__or__,
    tables(values),
    st.dictionaries(st.sampled_from(sorted(KNOWN)), st.none(), max_size=6).flatmap(
        lambda chosen: st.fixed_dictionaries(
            {name: st.one_of(KNOWN[name], values) for name in chosen}
        )
    ),
)
properties = st.fixed_dictionaries(
    {"delivery_mode": st.just(2)},
    optional={
        "content_type": short,
        "content_encoding": st.one_of(short, st.sampled_from([b"idna", b"utf-16", b"zlib"])),
        "headers": headers,
        "priority": st.integers(0, 255),
        "correlation_id": short,
        "reply_to": short,
        "message_id": short,
        "timestamp": st.integers(0, 2**64 - 1),
        "type": short,
        "app_id": short,
    },
)
BODIES = (
    b"",
    b"5",
    b"null",
    b"[[], ",
    b"[[], {}, 5]",
    b'[[], {"no_such_argument": 1}, {"chain": 5}]',
    b'["args", {}, {}]',
    b'{"event_id": "evt", "event_type": "post.created", "data": {}}',
    b'{"event_id": "\\ud800"}',
    b"\x80\x04N.",
    zlib.compress(b"not an event"),
    b'[[], {"x": {"__type__": "datetime", "__value__": "no"}}, {}]',
)
bodies = st.one_of(
    st.sampled_from(BODIES),
    st.binary(max_size=4_000),
    st.sampled_from([FRAME - 8, FRAME - 7, BODY_LIMIT, BODY_LIMIT + 1]).map(lambda n: b"x" * n),
)
messages = st.builds(
    Raw,
    st.sampled_from([*EVENT_QUEUES, *EVENT_QUEUES, *LANES, DEAD]),
    bodies,
    properties,
)

# --- what must come of it -------------------------------------------------------------------------


@pytest.fixture
def stranger(node):
    """Makes connections to the broker; it closes those of whom it can read nothing."""
    url = urlsplit(node.environment()["BROKER_URL"])

    def connect() -> amqp.Connection:
        made = amqp.Connection(f"{url.hostname}:{url.port}", url.username, url.password)
        made.connect()
        return made

    return connect


@pytest.fixture
def admin(world: World, processes) -> requests.Session:
    """Somebody who may see everything in the admin."""
    person = world.sign_up("operator")
    ((name,),) = world.sql(
        "UPDATE social_user SET is_staff = true, is_superuser = true WHERE id = %s"
        " RETURNING username",
        person.id,
    )
    session = requests.Session()
    page = f"{processes.origin}/admin/login/"
    session.get(page)
    form = {"username": name, "password": PASSWORD, "next": "/admin/"}
    answer = session.post(page, form | csrf(session), headers={"Referer": page})
    assert "/login/" not in answer.url
    return session


def csrf(session: requests.Session) -> dict:
    return {"csrfmiddlewaretoken": session.cookies["csrftoken"]}


@pytest.fixture
def followed(world: World):
    """Alice, and the id of Bob, who follows her."""
    alice, bob = world.sign_up("alice"), world.sign_up("bob")
    world.follow(bob, alice)
    return alice, bob.id


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def send(stranger, wanted: Iterable[Raw]) -> list[Raw]:
    """Publish; returns what the broker took."""
    taken = []
    connection = stranger()
    for message in wanted:
        try:
            publish(connection, message)
            taken.append(message)
        except (AMQPError, OSError):
            connection.collect()
            connection = stranger()
    connection.close()
    return taken


def letters(world: World) -> Counter[tuple[str, str]]:
    """How often each message (queue, hash of its body) became a letter. One that was put into
    dead.letters may name any queue, and so all of them count for that as well."""
    found = Counter()
    for queue, body_hash, attempts in world.sql(
        "SELECT queue, encode(body_hash, 'hex'), sum(attempts) FROM events_deadletter GROUP BY 1, 2"
    ):
        found[queue, body_hash] += attempts
        found[DEAD, body_hash] += attempts
    return found


def check(world: World, processes, stranger, followed, wanted: list[Raw]) -> list[Raw]:
    """Send them among good posts; returns what the broker took."""
    before = letters(world)
    alice, bob = followed
    pids = {name: processes.pid(name) for name in processes.table}
    good = [world.post(alice)]
    taken = send(stranger, wanted)
    good.append(world.post(alice))
    for post in good:
        until(lambda post=post: bob in world.owners(post))
    expected = before + Counter((message.queue, digest(message.body)) for message in taken)
    expected.update((DEAD, digest(m.body)) for m in taken if m.queue != DEAD)
    until(lambda: not expected - letters(world), 40)
    assert {name: processes.pid(name) for name in processes.table} == pids
    assert None not in pids.values()
    return taken


@pytest.mark.timeout(20_000)
def test_whatever_a_stranger_sends_no_process_ends_and_each_is_a_letter(
    world, processes, stranger, followed
):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="HOSTILE_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(messages, min_size=1, max_size=12))
    def holds(wanted):
        check(world, processes, stranger, followed, wanted)

    holds()


def bomb(size: int) -> bytes:
    """A few bytes that become `size`."""
    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


SEEN = [
    pytest.param({}, b"", id="an empty body"),
    pytest.param({"headers": {b"compression": Typed("S", b"gzip")}}, b"plain", id="not compressed"),
    pytest.param({"message_id": b"\xff\xfe"}, b"a", id="an id that is no UTF-8"),
    pytest.param({"headers": {b"when": Typed("T", 1764288000000)}}, b"b", id="milliseconds"),
    pytest.param({"headers": {b"x": Typed("S", b"y" * 130_850)}}, b"c", id="a frame of headers"),
    pytest.param({"headers": {b"x": deep(2_000)}}, b"d", id="tables in tables"),
    pytest.param(
        {
            "headers": {
                b"task": Typed("S", b"no.such"),
                b"id": Typed("S", b"x"),
                b"x-death": Typed("A", [Typed("A", [])]),
            }
        },
        b"e",
        id="a death that no broker wrote",
    ),
    pytest.param(
        {"headers": {b"compression": Typed("S", b"gzip")}}, bomb(10**9), id="a compressed bomb"
    ),
    pytest.param({}, struct.pack(">I", 7) * (LARGEST // 4), id="15 MB"),
]


@pytest.mark.parametrize(("given_properties", "body"), SEEN)
def test_the_admin_shows_and_replays_what_nobody_can_use(
    world, processes, stranger, followed, admin, given_properties, body
):
    queues = (*EVENT_QUEUES, *LANES, DEAD)
    wanted = [Raw(queue, body, given_properties) for queue in queues]
    assert check(world, processes, stranger, followed, wanted) == wanted
    same = "FROM events_deadletter WHERE encode(body_hash, 'hex') = %s"
    ids = [pk for (pk,) in world.sql(f"SELECT id {same}", digest(body))]
    assert len(ids) >= len(queues)
    page = f"{processes.origin}/admin/events/deadletter/"
    for pk in ids:
        assert admin.get(f"{page}{pk}/change/").status_code == 200
    form = {"action": "replay_selected", "_selected_action": ids, "confirmed": "1", "rate": "100"}
    assert admin.post(page, form | csrf(admin), headers={"Referer": page}).ok
    # What was put into dead.letters itself has no queue to be sent to again.
    again = f"SELECT count(*) {same} AND attempts > 1 AND state = 'open'"
    until(lambda: world.sql(again, digest(body))[0][0] >= len(queues) - 1, 60)
