"""Queues are unbound, deleted, and full while their worker is away."""

import time

from kombu import Connection

from faults.celery_messages import send_many, take_back
from faults.database import query
from faults.declaration import row
from faults.management import ailments
from faults.punctuality import demand_in_time, newest
from faults.scene import Scene

LOST_SECONDS = 6.0
RECONCILED_SECONDS = 2.0
NEVER_ARRIVED = """
    SELECT count(*) FROM events_outboxevent event
    WHERE routing_key = 'post.created' AND published_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM events_inboxentry
        WHERE subscriber = %(subscriber)s AND event_id = event.event_id
    )
"""
FULL_LANE = "timelines.low"
FULL_TASKS = 10_500
FULL_SECONDS = 40.0
# Those that do nothing need not be worked off: with these a busy machine needs minutes.
TAKEN_BACK = FULL_TASKS - 500
# TIMELINE_LARGE_AUDIENCE of the harness (faults/house.py).
LARGE = 200
# Posts of large audiences that have no slice yet.
WAITING = """
    SELECT count(*) FROM social_post post
    WHERE NOT EXISTS (SELECT FROM timelines_slicerecord WHERE post_id = post.id) AND %(large)s < (
        SELECT count(*) FROM social_follow WHERE followee_id = post.author_id
    )
"""
ALERT = "events never reached a subscriber"


# The reconciler waits for 60 s, lest it send again what a consumer is just working on.
@row(24, "one queue unbound, another deleted", "events lost; alerts", limit=150, recovery=100)
def queues_gone(scene: Scene) -> None:
    alerts = scene.logged("maintenance-worker", ALERT)
    connection = scene.sql()
    scene.begin_load(rate=5)
    with scene.fault():
        # Whoever connects declares every queue anew, so those who would are away meanwhile.
        for name in ("beat", "notifications-consumer"):
            scene.kill(name)
        # So does the reconciler, of which a run may be on its way.
        scene.until(lambda: not scene.house.broker.ready("events.low"), "an empty lane")
        time.sleep(RECONCILED_SECONDS)
        with Connection(scene.house.broker.url) as broker:
            channel = broker.channel()
            channel.queue_delete("push.worker")
            channel.queue_unbind("analytics.worker", "posts.fanout")
        time.sleep(LOST_SECONDS)
        scene.start("notifications-consumer", "beat")
    for subscriber in ("analytics", "notifications"):
        lost = query(connection, NEVER_ARRIVED, {"subscriber": subscriber})[0][0]
        scene.count(f"events that {subscriber} never got", lost)
    time.sleep(5)
    scene.load.stop()
    scene.until(lambda: alerts() >= 2, "the reconciler's alerts", 120)
    scene.count("alerts", alerts())


# Large audiences' posts come last: what fills the lane is before them.
@row(
    45,
    "timelines.low full, its worker away",
    "tasks in it; posts of large audiences that wait; others delivered meanwhile",
    limit=200,
    recovery=90,
)
def lane_full(scene: Scene) -> None:
    connection = scene.sql()
    since = newest(scene)
    scene.kill("timelines-low-worker")
    # Of a post that nobody wrote nothing is to be removed.
    send_many(scene, "timelines.remove_posts", FULL_TASKS, lane=FULL_LANE, post_ids=[0])
    scene.until(lambda: scene.house.broker.ready(FULL_LANE) >= FULL_TASKS, "a full lane")
    load = scene.begin_load(follows=0.0)
    with scene.fault():
        scene.count("tasks in it", scene.house.broker.ready(FULL_LANE))
        time.sleep(FULL_SECONDS)
        said = ailments(scene)
        named = f"nobody consumes {FULL_LANE}" in said
        scene.demand(named, f"doctor does not say that the worker is away: {said}")
        waiting = query(connection, WAITING, {"large": LARGE})[0][0]
        scene.count("posts of large audiences that wait", waiting)
        scene.demand(scene.house.broker.ready("timeline.worker") < 20, "events wait for the lane")
        take_back(scene, FULL_LANE, TAKEN_BACK)
        scene.start("timelines-low-worker")
    load.stop()
    scene.until(lambda: query(connection, WAITING, {"large": LARGE}) == [(0,)], "the others", 120)
    time.sleep(3)
    scene.count("others in time", demand_in_time(scene, since, audience=LARGE))
