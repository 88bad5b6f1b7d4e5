"""Queues are unbound, deleted, or fill up while their worker is away."""

import time

from kombu import Connection

from devtools.faults.celery_messages import send_many, take_back
from devtools.faults.declaration import scenario
from devtools.faults.environment import LARGE_AUDIENCE
from devtools.faults.management import ailments
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.run import Run
from devtools.lab.database import query

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
# Most tasks in the lane do nothing; they are removed, because a busy machine would need minutes for
# them.
TAKEN_BACK = FULL_TASKS - 500
# Posts to large audiences that have no slice yet.
WAITING = """
    SELECT count(*) FROM social_post post
    WHERE NOT EXISTS (SELECT FROM timelines_slicerecord WHERE post_id = post.id) AND %(large)s < (
        SELECT count(*) FROM social_follow WHERE followee_id = post.author_id
    )
"""
ALERT = "events never reached a subscriber"


# The reconciler waits for 60 s, so that it does not resend what a consumer is just processing.
@scenario(24, "one queue unbound, another deleted", "events lost; alerts", limit=150, recovery=100)
def queues_gone(run: Run) -> None:
    alerts = run.logged("maintenance-worker", ALERT)
    connection = run.connect()
    run.begin_load(rate=5)
    with run.fault():
        # Every client declares all queues when it connects, so those that might connect are
        # stopped.
        for name in ("beat", "notifications-consumer"):
            run.kill(name)
        # The reconciler declares queues too, and its next task may already be in the lane.
        run.until(lambda: not run.broker.ready("events.low"), "an empty lane")
        time.sleep(RECONCILED_SECONDS)
        with Connection(run.broker.url) as broker:
            channel = broker.channel()
            channel.queue_delete("push.worker")
            channel.queue_unbind("analytics.worker", "posts.fanout")
        time.sleep(LOST_SECONDS)
        run.start("notifications-consumer", "beat")
    for subscriber in ("analytics", "notifications"):
        lost = query(connection, NEVER_ARRIVED, {"subscriber": subscriber})[0][0]
        run.count(f"events that {subscriber} never got", lost)
    time.sleep(5)
    run.load.stop()
    run.until(lambda: alerts() >= 2, "the reconciler's alerts", 120)
    run.count("alerts", alerts())


# Posts to large audiences come last, because the lane is already full before them.
@scenario(
    45,
    "timelines.low full, its worker away",
    "tasks in it; posts of large audiences that wait; others delivered meanwhile",
    limit=200,
    recovery=90,
)
def lane_full(run: Run) -> None:
    connection = run.connect()
    since = newest(run)
    run.kill("timelines-low-worker")
    # The task does nothing, because the post does not exist.
    send_many(run, "timelines.remove_posts", FULL_TASKS, lane=FULL_LANE, post_ids=[0])
    run.until(lambda: run.broker.ready(FULL_LANE) >= FULL_TASKS, "a full lane")
    load = run.begin_load(follows=0.0)
    with run.fault():
        run.count("tasks in it", run.broker.ready(FULL_LANE))
        time.sleep(FULL_SECONDS)
        said = ailments(run)
        named = f"nobody consumes {FULL_LANE}" in said
        run.demand(named, f"doctor does not say that the worker is away: {said}")
        waiting = query(connection, WAITING, {"large": LARGE_AUDIENCE})[0][0]
        run.count("posts of large audiences that wait", waiting)
        run.demand(run.broker.ready("timeline.worker") < 20, "events wait for the lane")
        take_back(run, FULL_LANE, TAKEN_BACK)
        run.start("timelines-low-worker")
    load.stop()
    run.until(
        lambda: query(connection, WAITING, {"large": LARGE_AUDIENCE}) == [(0,)], "the others", 120
    )
    run.count("others in time", demand_in_time(run, since, audience=LARGE_AUDIENCE))
