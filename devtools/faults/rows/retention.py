"""Retention runs on a site where nobody has posted for longer than rows are kept."""

import time

from devtools.faults.burst import burst
from devtools.faults.database import empty_bus, query
from devtools.faults.declaration import row
from devtools.faults.management import ailments, manage
from devtools.faults.phones import FINE, phones
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.rows.database import execute
from devtools.faults.rows.push import UNSETTLED
from devtools.faults.scene import Scene

# Three partitions of posts and more: 600 of 200 each (faults/house.py).
OLD_OF_AUTHOR = 10
LOAD_SECONDS = 15.0
SETTLE_SECONDS = 30.0
LONG_AGO = "UPDATE social_post SET created_at = created_at - interval '40 days'"
POSTS = "SELECT id FROM social_post"
UNWRITTEN = """
    SELECT count(*) FROM timelines_fanout fan_out
    WHERE slices > (SELECT count(*) FROM timelines_slicerecord WHERE post_id = fan_out.post_id)
"""
PLANNED = "SELECT count(*) FROM timelines_fanout"
WATERMARK = "SELECT post_id FROM timelines_watermark"
HORIZONS = "SELECT table_name, post_id FROM social_horizon"
TOLD = "SELECT recipient_id, post_id FROM notifications_notification WHERE post_id > %(old)s"


@row(
    47,
    "retention on a site without new posts, then a post",
    "partitions dropped; posts after it; people told; pushes",
    limit=180,
)
def quiet_site(scene: Scene) -> None:
    connection = scene.sql()
    people = scene.house.population
    made = burst(connection, people.ids[: people.graph.authors], OLD_OF_AUTHOR)
    scene.until(lambda: query(connection, PLANNED) == [(made,)], "old posts planned", 60)
    scene.until(lambda: query(connection, UNWRITTEN) == [(0,)], "old posts written", 60)
    scene.until(lambda: not any(scene.house.broker.depths().values()), "empty queues", 60)
    scene.until(lambda: not scene.pending(), "an empty outbox")
    last = newest(scene)
    scene.until(lambda: query(connection, WATERMARK) == [(last,)], "the watermark")
    execute(connection, LONG_AGO)
    # What the bus keeps of them, for 35 days at most, has gone as well.
    empty_bus(connection)
    scene.old = frozenset(pk for (pk,) in query(connection, POSTS))
    scene.watch.expired = last
    with phones(people, ["other"]) as devices:
        devices.register(connection)
        with scene.fault():
            said = [manage(scene, "partitions", "--drop-expired", "--yes") for _ in range(2)]
            dropped = sum(words.count("dropped timelines_") for words in said)
            scene.count("partitions dropped", dropped)
            judge_horizons(scene, connection)
            since = newest(scene)
            load = scene.begin_load(rate=4, follows=0.0)
            time.sleep(LOAD_SECONDS)
        load.stop()
        scene.until(
            lambda: query(connection, UNSETTLED) == [(0,)], "every push settled", SETTLE_SECONDS
        )
        said = ailments(scene)
        scene.demand("has no partition for" not in said, f"doctor says {said}")
        scene.count("posts after it", demand_in_time(scene, since))
        judge_arrivals(scene, devices, query(connection, TOLD, {"old": since}))


def judge_horizons(scene: Scene, connection) -> None:
    """That of the timelines has moved, and none is beyond the newest post."""
    last = max(scene.old)
    horizons = dict(query(connection, HORIZONS))
    scene.count("posts expired", horizons["timelines_timelineentry"] - min(scene.old))
    for table, horizon in horizons.items():
        scene.demand(horizon <= last, f"the horizon of {table} is {horizon}, the newest {last}")


def judge_arrivals(scene: Scene, devices, told: list[tuple[int, int]]) -> None:
    """Everyone who has a device and follows the author has a notification and a push, once."""
    people = scene.house.population
    followers: dict[int, set[int]] = {}
    for follower, author in people.graph.follows - people.graph.mutes:
        followers.setdefault(author, set()).add(people.ids[follower])
    audiences = {a.post_id: followers.get(a.author, set()) for a in scene.load.attempts}
    wanted = {(user, pk) for pk, users in audiences.items() for user in users & {*devices.devices}}
    scene.count("people told", len(told))
    scene.demand(set(told) == wanted, f"{len(told)} were told, {len(wanted)} should be")
    for name in (FINE, "other"):
        expected, found = devices.expected(name, audiences), devices.accepted(name)
        scene.count("pushes", found.total())
        missing = expected - found.keys()
        scene.demand(not missing, f"{len(missing)} of {len(expected)} pushes never arrived")
        scene.demand(found.total() == len(expected), f"{found.total()} pushes for {len(expected)}")
