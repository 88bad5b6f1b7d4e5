"""The network between every process and PostgreSQL is gone for a minute: no packet passes."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from devtools.faults.broker import STALE_SECONDS
from devtools.faults.celery_messages import send
from devtools.faults.declaration import scenario
from devtools.faults.proxy import Proxy
from devtools.faults.roll_call import demand_nobody_ended, everybody
from devtools.faults.run import Run
from devtools.faults.scenarios.poison import LETTERS_QUEUE, OPEN, poison
from devtools.faults.watch import BEHIND
from devtools.lab.database import query
from devtools.lab.records import newest_post
from devtools.processes import WORKERS

BLACKHOLE_SECONDS = 60.0
# The web server is cut off later, so that it accepts posts while the processes behind it are cut
# off.
LATER_SECONDS = 20.0
# A client that gives up after 6 s leaves a request in the web server's queue, which is processed
# once PostgreSQL is back. Clients that retry sooner would keep the server busy with such requests
# for minutes.
RATE, RETRY_SECONDS = 2.0, 10.0
BACK_SECONDS, LIMIT_SECONDS = 30.0, 90.0
POLL_SECONDS = 0.5
VARIABLES = ("DATABASE_URL", "DATABASE_DIRECT_URL")
LAST_EVENT = "SELECT coalesce(max(id), 0) FROM events_outboxevent"
UNPUBLISHED = """
    SELECT id FROM events_outboxevent WHERE published_at IS NULL AND id <= %(last)s LIMIT 1
"""
UNHANDLED = """
    SELECT id FROM events_outboxevent event
    WHERE exchange <> '' AND routing_key = 'post.created' AND id <= %(last)s AND NOT EXISTS (
        SELECT FROM events_inboxentry
        WHERE subscriber = %(subscriber)s AND event_id = event.event_id
    )
    LIMIT 1
"""

# Takes the messages by queue; returns True if a kind of process works again.
Condition = Callable[[Mapping[str, int]], bool]


def poke(run: Run) -> None:
    """Create work for the processes that the load does not reach."""
    poison(run, LETTERS_QUEUE, 1)
    for worker in WORKERS.values():
        for lane in worker.lanes:
            send(run, "analytics.roll_up", lane=lane)


def begin(run: Run, proxies: Mapping[str, Proxy]) -> None:
    for name, proxy in proxies.items():
        # Beat does not use PostgreSQL.
        if name == "beat":
            run.figures["links_of_beat"] = proxy.connections
        else:
            run.count(f"links of {name}", proxy.connections)
        proxy.blackhole()


def at_work(run: Run) -> dict[str, Condition]:
    """Conditions by name. Each is true once the work that exists at this call is done."""
    connection = run.connect()
    letters = run.poison
    post = newest_post(connection)
    event = query(connection, LAST_EVENT)[0][0]
    asked_at = time.monotonic()

    def nothing(statement: str, last: int, **parameters: str | int) -> Condition:
        return lambda depths: not query(connection, statement, {"last": last, **parameters})

    def empty(*lanes: str) -> Condition:
        """True once each lane has been seen empty, not necessarily together: beat keeps adding
        tasks."""
        full = set(lanes)

        def seen(depths: Mapping[str, int]) -> bool:
            if time.monotonic() - asked_at > STALE_SECONDS:
                full.intersection_update([lane for lane in lanes if depths.get(lane)])
            return not full

        return seen

    return {
        "timelines": nothing(BEHIND, post, expired=0),
        "relay": nothing(UNPUBLISHED, event),
        **{
            f"{subscriber}_consumer": nothing(UNHANDLED, event, subscriber=subscriber)
            for subscriber in run.people.subscribers
        },
        "dead_letters_consumer": lambda depths: query(connection, OPEN)[0][0] >= letters,
        **{f"{each.node}_worker": empty(*each.lanes) for each in WORKERS.values()},
    }


def until_at_work(run: Run, conditions: Mapping[str, Condition]) -> None:
    """Wait until all conditions are true, and note after how many seconds each was."""
    begun = time.monotonic()
    waiting = dict(conditions)
    while waiting and time.monotonic() - begun < LIMIT_SECONDS:
        depths = run.broker.depths()
        for name in [name for name, condition in waiting.items() if condition(depths)]:
            del waiting[name]
            note(run, name, time.monotonic() - begun)
        time.sleep(POLL_SECONDS)
    run.demand(not waiting, f"not back within {LIMIT_SECONDS:.0f} s: {', '.join(waiting)}")


def note(run: Run, name: str, seconds: float) -> None:
    run.figures[f"{name}_back_s"] = round(seconds, 1)
    run.demand(seconds <= BACK_SECONDS, f"{name} was back after {seconds:.1f} s")


@scenario(
    39,
    "PostgreSQL's link blackholed for 60 s, for each kind of process",
    "links of each that were blackholed",
    limit=360,
)
def blackholed(run: Run) -> None:
    made = {name: run.proxy("DATABASE_URL") for name in run.table}
    run.restart_all({name: dict.fromkeys(VARIABLES, url) for name, (_, url) in made.items()})
    proxies = {name: proxy for name, (proxy, _) in made.items()}
    web = proxies.pop("web")
    before = everybody(run)
    run.begin_load(RATE, retry=RETRY_SECONDS)
    poke(run)
    time.sleep(5)
    with run.fault(), ThreadPoolExecutor() as pool:
        begin(run, proxies)
        time.sleep(LATER_SECONDS)
        begin(run, {"web": web})
        answer = pool.submit(heal_web, run, web)
        poke(run)
        time.sleep(BLACKHOLE_SECONDS - LATER_SECONDS)
        for proxy in proxies.values():
            proxy.heal()
        poke(run)
        until_at_work(run, at_work(run))
        note(run, "web", answer.result())
    demand_nobody_ended(run, before)
    run.restore()


def heal_web(run: Run, proxy: Proxy) -> float:
    """Heal the web server's link after its time; return the seconds until a request is answered
    200, which waits behind those of clients that have given up."""
    time.sleep(BLACKHOLE_SECONDS)
    proxy.heal()
    begun = time.monotonic()
    url = f"{run.environment.origin}/api/v1/timeline/"
    headers = {"Authorization": f"Bearer {run.people.tokens[run.people.graph.users[0]]}"}
    while True:
        try:
            with urlopen(Request(url, headers=headers), timeout=LIMIT_SECONDS) as response:
                response.read()
            return time.monotonic() - begun
        except HTTPError:
            if time.monotonic() - begun > LIMIT_SECONDS:
                raise
