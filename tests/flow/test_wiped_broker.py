"""Recovery from a broker that has lost everything, as docs/operations.md describes it."""

import subprocess
import sys
from pathlib import Path

import amqp.exceptions
import pytest
from kombu import Connection

from devtools.servers import vhosts
from events import depths
from events.registry import subscribers
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
PAUSE = "INSERT INTO events_pause (subscriber, since) VALUES (%s, now()) RETURNING subscriber"
AGE = """
    UPDATE events_outboxevent SET published_at = published_at - interval '2 minutes'
    RETURNING id
"""
# All of it happened that much earlier: the subscribers began to be known before the posts.
KNOWN = """
    UPDATE events_reconciliation SET complete_until = complete_until - interval '2 minutes'
    RETURNING subscriber
"""
QUEUES = [each.queue for each in subscribers.values()]


@pytest.mark.slow  # Consumers and workers come back with their back-off.
def test_posts_that_waited_in_a_wiped_broker_arrive_all_the_same(world, processes, node):
    broker = processes.environ["BROKER_URL"]
    alice = world.sign_up("alice")
    followers = world.crowd(alice, 100)
    for name in subscribers:
        world.sql(PAUSE, name)
    until(lambda: all(consumers(broker, queue) == 0 for queue in QUEUES))
    posts = [world.post(alice, f"post {number}") for number in range(3)]
    until(lambda: depths.ready(broker, QUEUES)["timeline.worker"] >= 3)

    vhosts.fresh(node.environment()["BROKER_MANAGEMENT_URL"], broker, "/")
    world.sql("DELETE FROM events_pause RETURNING subscriber")
    until(lambda: all(consumers(broker, queue) for queue in QUEUES), 60)
    assert [world.owners(post_id) for post_id in posts] == [set()] * 3

    # The reconciler looks back further than a minute; two of its runs find what is missing.
    world.sql(KNOWN)
    world.sql(AGE)

    def arrived() -> bool:
        reconcile(processes.environ)
        return all(world.owners(post_id) == followers for post_id in posts)

    until(arrived, 100)


def reconcile(environ) -> None:
    """What beat has done twice a minute."""
    code = "from events.reconciling import reconcile_all; reconcile_all()"
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", code]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)


def consumers(broker_url: str, queue: str) -> int:
    with Connection(broker_url, connect_timeout=5) as broker, broker.channel() as channel:
        try:
            return channel.queue_declare(queue, passive=True).consumer_count
        except amqp.exceptions.NotFound:
            return 0  # Its consumer has not declared it anew.
