"""The time limits of sessions and connections, enforced by PostgreSQL and the kernel."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection
from psycopg2.extras import wait_select
from structlog.testing import capture_logs

from devtools.faults.proxy import Proxy
from events import limits, links
from events.direct import own_session
from events.publisher import Outgoing, Publisher
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

ROLE = "without_rights"


@pytest.fixture
def psql() -> Iterator[psycopg2.extensions.connection]:
    """A session that sets no limits itself, like an operator's psql."""
    given = connection.get_connection_params()
    plain = {name: given[name] for name in ("host", "port", "user", "password", "dbname")}
    with closing(psycopg2.connect(**plain)) as made:
        yield made


def shown(session, name: str) -> str:
    with session.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("name", limits.LIMITS)
def test_every_session_of_the_database_has_the_limits(psql, name):
    assert shown(psql, name) == limits.LIMITS[name]


def test_an_operators_idle_transaction_is_ended_and_its_locks_are_released(psql, alice):
    with psql.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '300ms'")
        cursor.execute("SELECT * FROM social_user FOR UPDATE")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM social_user FOR UPDATE")  # Waits for the lock.
        assert cursor.rowcount == 1


def test_a_limit_that_an_administrator_has_set_stays(psql):
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET lock_timeout = '7s'")
        cursor.execute(f"ALTER DATABASE {name} RESET tcp_user_timeout")
        assert [each.split()[4] for each in limits.missing()] == ["tcp_user_timeout"]
        limits.set_on_database("default")
        assert limits.missing() == []
        with closing(own_session()) as another:
            another.settings_dict["OPTIONS"].pop("options")
            assert shown(another, "lock_timeout") == "7s"
        cursor.execute(f"ALTER DATABASE {name} SET lock_timeout = '10s'")


def test_a_role_that_may_not_set_the_limits_is_warned_and_migrates_all_the_same():
    with connection.cursor() as cursor:
        name = connection.settings_dict["NAME"]
        cursor.execute(f"ALTER DATABASE {name} RESET lock_timeout")
        cursor.execute(f"DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE}; SET ROLE {ROLE}")
        with capture_logs() as lines:
            limits.set_on_database("default")
        cursor.execute(f"RESET ROLE; DROP ROLE {ROLE}")
        (line,) = lines
        assert (line["log_level"], line["statement"]) == ("warning", limits.missing()[0])
        limits.set_on_database("default")
        assert limits.missing() == []


def test_a_client_that_does_not_read_its_answer_loses_its_locks(alice):
    """A client that is frozen while it reads. Its session is not idle: PostgreSQL waits to send."""
    given = connection.get_connection_params() | {"options": "-c tcp_user_timeout=1s"}
    with closing(psycopg2.connect(**given, async_=1)) as frozen:
        wait_select(frozen)
        frozen.cursor().execute(
            "BEGIN; SELECT repeat('x', 1000000) FROM social_user, generate_series(1, 100)"
            " FOR UPDATE OF social_user"
        )
        until(lambda: waits_to_send(frozen))
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM social_user FOR UPDATE")  # Waits for the lock.
            assert cursor.rowcount == 1


def waits_to_send(session) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wait_event = 'ClientWrite' FROM pg_stat_activity WHERE pid = %s",
            [session.get_backend_pid()],
        )
        return cursor.fetchone()[0]


def test_our_connections_notice_a_server_that_has_vanished():
    connection.ensure_connection()
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as link:
        assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


@pytest.fixture
def proxy(broker) -> Iterator[Proxy]:
    """A TCP proxy before the broker."""
    proxy = Proxy(urlsplit(os.environ["BROKER_URL"]).port).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def through(proxy) -> str:
    """The broker's URL through the proxy."""
    address = urlsplit(os.environ["BROKER_URL"])
    netloc = address.netloc.replace(str(address.port), str(proxy.port))
    return urlunsplit(address._replace(netloc=netloc))


@pytest.fixture
def link(through):
    link = links.connect(through)
    link.connect()
    yield link
    link.collect()


def test_a_broker_that_has_vanished_is_noticed_without_heartbeats(proxy, link):
    time.sleep(0.5)  # Wait until TCP has acknowledged everything, so that nothing is retransmitted.
    proxy.blackhole()
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match="Connection timed out"):
        link.drain_events(timeout=60)
    assert time.monotonic() - begun < 15


def test_a_call_to_a_broker_that_does_not_answer_times_out(proxy, link):
    proxy.swallow()
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        link.channel()
    assert time.monotonic() - begun < 15


def test_a_batch_that_is_confirmed_slowly_times_out_as_a_whole(proxy, through):
    """The relay publishes while rows are locked, so the time limit is for the whole batch: each of
    its messages alone is confirmed soon enough."""
    large = Outgoing(b"x" * 500_000, "posts.fanout", "post.created", {}, {})
    with closing(Publisher(through)) as publisher:
        publisher.connect()
        proxy.delay(0.3)  # Seconds per 64 kB.
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            list(publisher.publish_all([large] * 10))
        assert time.monotonic() - begun < 15
