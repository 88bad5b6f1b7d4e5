"""The relay as a process: frozen, and with its connections ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from devtools.faults.proxy import Proxy, Way
from events import relay
from events.models import OutboxEvent
from events.publisher import Publisher
from social import posts
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "manage.py relay_outbox"
# Replaces the limit of 20 s, so that the tests are short.
IDLE = "options=-c%20idle_in_transaction_session_timeout%3D3s"
SESSIONS = {
    "the one that listens": "query LIKE 'LISTEN%%'",
    "the one that publishes": "query NOT LIKE 'LISTEN%%'",
    "both": "true",
}


@pytest.fixture
def proxy(broker) -> Iterator[Proxy]:
    """A TCP proxy between the relay and the broker."""
    proxy = Proxy(urlsplit(os.environ["BROKER_URL"]).port).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def process(proxy, alice) -> Iterator[subprocess.Popen]:
    """A running relay process that has executed LISTEN."""
    name = f"/{connection.settings_dict['NAME']}"
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=name, query=IDLE))
    broker = urlsplit(os.environ["BROKER_URL"])
    netloc = broker.netloc.replace(str(broker.port), str(proxy.port))
    environ = {
        "DATABASE_URL": database,
        "DATABASE_DIRECT_URL": database,
        "BROKER_URL": urlunsplit(broker._replace(netloc=netloc)),
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "relay_outbox"],
        cwd=ROOT,
        env=os.environ | environ,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: sessions("query LIKE 'LISTEN%%'"))
    yield process
    process.send_signal(signal.SIGCONT)
    process.terminate()
    assert process.wait(30) == 0


def sessions(which: str, then: str = "pid") -> list:
    """Return `then` (by default the pid) for each of the relay's sessions that match `which`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {then} FROM pg_stat_activity"
            # Other tests may run relays at the same time.
            f" WHERE datname = current_database() AND application_name = %s AND {which}",
            [NAME],
        )
        return cursor.fetchall()


def pending() -> int:
    return OutboxEvent.objects.filter(published_at=None).count()


def test_rows_claimed_by_a_frozen_relay_are_published_by_another(process, proxy, alice, now):
    posts.publish(alice, "while all is well", now=now)
    until(lambda: pending() == 0)
    proxy.stall(Way.BACK)
    posts.publish(alice, "its confirm comes late", now=now)
    until(lambda: sessions("state = 'idle in transaction'"))
    process.send_signal(signal.SIGSTOP)
    with closing(Publisher(os.environ["BROKER_URL"])) as other:
        assert relay.relay_batch(other) == 0
        until(lambda: relay.relay_batch(other) == 1)
    assert pending() == 0
    # Once it continues, it gets its confirm and tries to mark the row, finds that its session was
    # ended, and opens another.
    proxy.heal()
    process.send_signal(signal.SIGCONT)
    posts.publish(alice, "for the one that was frozen", now=now)
    until(lambda: pending() == 0)
    assert process.poll() is None


@pytest.mark.parametrize("which", SESSIONS.values(), ids=SESSIONS)
def test_a_relay_goes_on_after_its_session_was_ended(which, process, alice, now):
    posts.publish(alice, "while all is well", now=now)
    until(lambda: pending() == 0)
    ended = {pid for (pid,) in sessions(which)}
    assert ended
    sessions(which, "pg_terminate_backend(pid)")
    posts.publish(alice, "afterwards", now=now)
    until(lambda: pending() == 0)
    until(lambda: len(sessions("true")) == 2)
    assert not ended & {pid for (pid,) in sessions("true")}
    assert process.poll() is None
