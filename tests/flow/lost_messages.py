"""Posts whose events wait in a broker that then loses everything, and their recovery, as
docs/operations.md describes it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import amqp.exceptions
from kombu import Connection

from events import depths
from events.registry import subscribers
from tests.flow.world import Person, World
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


def left_waiting(world: World, broker_url: str, author: Person) -> list[int]:
    """The ids of three posts whose events are in the queues, where all subscribers pause."""
    for name in subscribers:
        world.sql(PAUSE, name)
    until(lambda: all(consumers(broker_url, queue) == 0 for queue in QUEUES), 60)
    posts = [world.post(author, f"post {number}") for number in range(3)]
    until(lambda: depths.ready(broker_url, QUEUES)["timeline.worker"] >= 3)
    return posts


def recovered(
    world: World, environ: Mapping[str, str], posts: list[int], followers: set[int]
) -> None:
    """Return once all posts have reached all followers. Fails if nothing was lost."""
    world.sql("DELETE FROM events_pause RETURNING subscriber")
    until(lambda: all(consumers(environ["BROKER_URL"], queue) for queue in QUEUES), 60)
    assert [world.owners(post_id) for post_id in posts] == [set()] * len(posts)

    # The reconciler looks back further than a minute; two of its runs find what is missing.
    world.sql(KNOWN)
    world.sql(AGE)

    def arrived() -> bool:
        _reconcile(environ)
        return all(world.owners(post_id) == followers for post_id in posts)

    until(arrived, 100)


def consumers(broker_url: str, queue: str) -> int:
    with Connection(broker_url, connect_timeout=5) as broker, broker.channel() as channel:
        try:
            return channel.queue_declare(queue, passive=True).consumer_count
        except amqp.exceptions.NotFound:
            return 0  # Its consumer has not declared it anew.


def _reconcile(environ: Mapping[str, str]) -> None:
    """What beat has done twice a minute."""
    code = "from events.reconciling import reconcile_all; reconcile_all()"
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", code]
    subprocess.run(command, cwd=ROOT, env=dict(environ), check=True)
