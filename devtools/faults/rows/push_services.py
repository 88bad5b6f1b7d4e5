"""Push services that are slow, that a few people misuse, or that reject our key: nothing is lost,
nothing comes twice, and nobody else waits."""

import secrets
import time
from collections.abc import Mapping

from devtools.faults.attempts import percentile
from devtools.faults.burst import burst
from devtools.faults.database import query
from devtools.faults.declaration import row
from devtools.faults.management import lag
from devtools.faults.phones import FINE, Phones, phones
from devtools.faults.rows.push import BURST_AUTHORS, POSTS, PROMISE_SECONDS, RATE, SLOWER, UNSETTLED
from devtools.faults.scene import Scene
from devtools.push_service import Device, post_topic, registration

FAULT_SECONDS = 30.0
SLOW_SECONDS = 3.0
REJECTED_SECONDS = 300.0
# The longest that a push waits for its breaker and its next attempt.
SETTLE_SECONDS = 150.0
HOSTILE_USERS = 2
DEVICES = 16
HOSTILE = ({"how": 429}, {"how": "hang"}, {"how": 500}, {"how": 403})

Posts = Mapping[int, tuple[int, float]]


def settled(scene: Scene, connection) -> Posts:
    """Author and time of each post, when each of its pushes is settled."""
    scene.until(
        lambda: query(connection, UNSETTLED) == [(0,)], "every push settled", SETTLE_SECONDS
    )
    return {pk: (author, at) for pk, author, at in query(connection, POSTS)}


def judge(scene: Scene, made: Phones, posts: Posts, names: tuple[str, ...]) -> None:
    """Each push reached each of these push services once."""
    population = scene.house.population
    followers: dict[int, set[int]] = {}
    for follower, author in population.graph.follows - population.graph.mutes:
        followers.setdefault(population.ids[author], set()).add(population.ids[follower])
    audiences = {pk: followers.get(author, set()) for pk, (author, _) in posts.items()}
    for name in names:
        wanted, found = made.expected(name, audiences), made.accepted(name)
        missing, doubled = wanted - found.keys(), found.total() - len(found)
        scene.demand(not missing, f"{len(missing)} pushes never reached the {name} push service")
        scene.demand(not doubled, f"{doubled} pushes came twice to the {name} push service")
        scene.figures[f"{name}_pushes"] = len(wanted)


def judge_latency(scene: Scene, made: Phones, posts: Posts, name: str, began_at: float) -> None:
    """Of the phones' first receipts since the fault began: in time, or not much slower than before,
    where the machine is busy with other work."""
    tokens = {device.token for _, device in made.devices.values()}
    created = {post_topic(pk): at for pk, (_, at) in posts.items()}
    first: dict[tuple[str, str], float] = {}
    for receipt in made.receipts(name):
        known = receipt.topic in created and receipt.token in tokens
        if known and (receipt.topic, receipt.token) not in first:
            first[receipt.topic, receipt.token] = receipt.wall
    taken = [(at, at - created[topic]) for (topic, _), at in first.items()]
    before = [seconds for at, seconds in taken if at < began_at]
    during = [seconds for at, seconds in taken if at >= began_at]
    p99 = scene.figures[f"{name}_p99_s"] = round(percentile(during, 0.99), 2)
    allowed = max(PROMISE_SECONDS, SLOWER * percentile(before, 0.99))
    late = f"pushes to the {name} one took {p99} s (p99), allowed are {allowed:.1f}"
    scene.demand(p99 <= allowed, late)


@row(
    48,
    "a push service that answers after 3 s",
    "answers that took 3 s",
    limit=300,
)
def slow(scene: Scene) -> None:
    connection = scene.sql()
    with phones(scene.house.population, ["slow"]) as made:
        made.register(connection)
        load = scene.begin_load(RATE, follows=0.0)
        with scene.fault():
            began_at = time.time()
            made.services["slow"].answer("*", "slow", seconds=SLOW_SECONDS)
            burst(connection, scene.house.population.ids[:BURST_AUTHORS], 1)
            time.sleep(FAULT_SECONDS)
            scene.count("slow answers", sum(r.wall > began_at for r in made.receipts("slow")))
            made.services["slow"].answer("*", 201)
        load.stop()
        posts = settled(scene, connection)
        judge(scene, made, posts, (FINE, "slow"))
        for name in (FINE, "slow"):
            judge_latency(scene, made, posts, name, began_at)


@row(
    49,
    "a hostile user's devices at everybody's push service: 429, hang, 500, 403",
    "attempts at their devices that failed",
    limit=300,
)
def hostile(scene: Scene) -> None:
    connection = scene.sql()
    with phones(scene.house.population, []) as made:
        made.register(connection)
        theirs = hostile_devices(scene, made)
        registration.register(connection, theirs)
        load = scene.begin_load(RATE, follows=0.0)
        with scene.fault():
            began_at = time.time()
            for number, (_, device, _) in enumerate(theirs):
                made.services[FINE].answer(device.token, **HOSTILE[number % len(HOSTILE)])
            burst(connection, scene.house.population.ids[:BURST_AUTHORS], 1)
            time.sleep(FAULT_SECONDS)
            tokens = {device.token for _, device, _ in theirs}
            failed = [r for r in made.receipts(FINE) if r.token in tokens and not r.accepted]
            scene.count("failed attempts", len(failed))
            for token in tokens:
                made.services[FINE].answer(token, 201)
        load.stop()
        posts = settled(scene, connection)
        judge(scene, made, posts, (FINE,))
        judge_latency(scene, made, posts, FINE, began_at)


def hostile_devices(scene: Scene, made: Phones) -> list[tuple[int, Device, str]]:
    """Sixteen of each of the users, without a device so far, who follow the most."""
    population = scene.house.population
    follows: dict[int, int] = {}
    for follower, _ in population.graph.follows:
        user = population.ids[follower]
        if user not in made.devices:
            follows[user] = follows.get(user, 0) + 1
    users = sorted(follows, key=follows.__getitem__)[-HOSTILE_USERS:]
    origin = made.services[FINE].origin
    return [(user, Device.generate(), origin) for user in users for _ in range(DEVICES)]


@row(
    50,
    "a push service rejects our VAPID key for five minutes, then takes it",
    "answers 403; times that lag named the push service",
    limit=700,
    recovery=60.0,
)
def rejected(scene: Scene) -> None:
    connection = scene.sql()
    with phones(scene.house.population, ["wrong"]) as made:
        made.register(connection)
        gate = made.services["wrong"].gate
        load = scene.begin_load(RATE, follows=0.0)
        with scene.fault():
            began_at = time.time()
            gate.key = secrets.token_urlsafe(65)
            gate.verified.clear()
            for _ in range(10):
                time.sleep(REJECTED_SECONDS / 10)
                told = lag(scene)["push_services"]
                named = any(made.services["wrong"].origin in each for each in told)
                scene.count("named by lag", named)
                others = [each for each in told if made.services[FINE].origin in each]
                scene.demand(not others, "lag named the push service that takes our key")
            gate.key = None
        load.stop()
        posts = settled(scene, connection)
        receipts = made.receipts("wrong")
        scene.count("answers 403", sum(receipt.status == 403 for receipt in receipts))
        judge(scene, made, posts, (FINE, "wrong"))
        judge_latency(scene, made, posts, FINE, began_at)
