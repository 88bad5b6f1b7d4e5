"""Queues are unbound and deleted behind the backs of those who use them."""

import time

from kombu import Connection

from faults.database import query
from faults.declaration import row
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
ALERT = "events never reached a subscriber"


# The reconciler waits for 60 s, lest it send again what a consumer is just working on.
@row(24, "one queue unbound, another deleted", "events lost; alerts", limit=150, recovery=100)
def queues_gone(scene: Scene) -> None:
    alerts = scene.logged("rest-worker", ALERT)
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
