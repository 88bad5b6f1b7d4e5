"""Only a server that lets its client in counts as reachable."""

import os
import socket
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from devtools.servers import probe, status
from devtools.servers.probe import Unreachable


@contextmanager
def server_saying(answer: bytes):
    """A server that reads once, says this and hangs up; its host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        host, port = listener.getsockname()
        yield f"{host}:{port}"
        thread.join()


@pytest.fixture
def nobody():
    """An address where nothing listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*reserved.getsockname())


@pytest.mark.django_db
def test_a_database_that_lets_us_in_is_reachable():
    probe.postgres(os.environ["DATABASE_URL"])


def test_a_broker_that_lets_us_in_is_reachable(broker):
    probe.rabbitmq(os.environ["BROKER_URL"])


def test_a_cache_that_takes_the_password_is_reachable():
    probe.valkey(os.environ["REDIS_URL"])


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{password}@{where}"))


@pytest.mark.django_db
def test_a_password_that_is_wrong_is_given_as_the_reason(broker):
    for ask, variable, why in (
        (probe.postgres, "DATABASE_URL", "password authentication failed"),
        (probe.rabbitmq, "BROKER_URL", "ACCESS_REFUSED"),
        (probe.valkey, "REDIS_URL", "invalid username-password pair"),
    ):
        with pytest.raises(Unreachable, match=why):
            ask(with_password(os.environ[variable], "wrong"))


PLAIN = "postgres://me@{}/app?sslmode=disable"


@pytest.mark.parametrize(
    ("ask", "url", "answer", "why"),
    [
        (probe.postgres, PLAIN, b"E\0\0\0\x20SFATAL\0C57P03\0Mstarting up\0\0", "starting up"),
        (probe.postgres, PLAIN, b"HTTP/1.1 400 Bad Request\r\n", "expected authentication request"),
        (probe.postgres, PLAIN, b"", "closed the connection"),
        (probe.rabbitmq, "amqp://{}//", b"AMQP\0\0\x09\x01", "closed connection"),
        (probe.valkey, "redis://{}/0", b"-NOAUTH Authentication required.\r\n", "Authentication"),
        (probe.valkey, "redis://{}/0", b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (probe.valkey, "redis://:bad@{}/0", b"-WRONGPASS no\r\n-NOAUTH no\r\n", "no"),
    ],
)
def test_any_other_answer_is_given_as_the_reason(ask, url, answer, why):
    with server_saying(answer) as address, pytest.raises(Unreachable, match=why):
        ask(url.format(address))


@pytest.mark.parametrize(
    ("ask", "scheme"),
    [(probe.postgres, "postgres"), (probe.rabbitmq, "amqp"), (probe.valkey, "redis")],
)
def test_where_nothing_listens_the_connection_is_refused(ask, scheme, nobody):
    with pytest.raises(Unreachable, match="refused"):
        ask(f"{scheme}://{nobody}/")


def test_one_living_broker_of_several_is_enough(nobody, broker):
    probe.rabbitmq(f"amqp://{nobody}//;{os.environ['BROKER_URL']}")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgres://u:p@db.example:6543/app", ("db.example", 6543)),
        ("postgres://db.example/app", ("db.example", 5432)),
        ("postgres:///app", ("localhost", 5432)),
        ("postgres://u:p@[::1]:6543/app", ("::1", 6543)),
        ("postgres://u@%2Frun%2Fpostgresql/app", "/run/postgresql/.s.PGSQL.5432"),
        ("postgres:///app?host=/run/postgresql", "/run/postgresql/.s.PGSQL.5432"),
        ("unix:///run/valkey.sock?db=1", "/run/valkey.sock"),
    ],
)
def test_a_url_leads_to_a_host_or_a_socket(url, where):
    assert probe.address(url, 5432) == where


def test_a_foreign_server_out_of_reach_is_named_with_address_and_remedy(nobody):
    url = f"amqp://me:secret@{nobody}//"
    line = str(status.of_external("RabbitMQ", "BROKER_URL", url))
    assert line.startswith("RabbitMQ")
    assert nobody in line
    assert "unset BROKER_URL" in line
    assert "secret" not in line
