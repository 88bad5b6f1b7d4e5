"""Only an answer in the server's own protocol counts as reachable."""

import socket
import threading
from contextlib import contextmanager

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


@pytest.mark.parametrize(
    ("ask", "url", "answer"),
    [
        (probe.postgres, "postgres://me@{}/app", b"R\0\0\0\x08\0\0\0\0"),
        (probe.postgres, "postgres://me@{}/app", b"E\0\0\0\x20SFATAL\0C28000\0Mno entry\0\0"),
        (probe.rabbitmq, "amqp://{}//", b"\x01\0\0\0\0\x01\xe9\0\x0a\0\x0a"),
        (probe.valkey, "redis://{}/0", b"+PONG\r\n"),
        (probe.valkey, "redis://:secret@{}/0", b"+OK\r\n+PONG\r\n"),
    ],
)
def test_a_server_that_answers_in_its_protocol_is_reachable(ask, url, answer):
    with server_saying(answer) as address:
        ask(url.format(address))


@pytest.mark.parametrize(
    ("ask", "url", "answer", "why"),
    [
        (probe.postgres, "postgres://me@{}/app", b"E\0\0\0\x20C57P03\0Mstarting up\0", "starting"),
        (probe.postgres, "postgres://me@{}/app", b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (probe.postgres, "postgres://me@{}/app", b"", "closed the connection"),
        (probe.rabbitmq, "amqp://{}//", b"AMQP\0\0\x09\x01", "AMQP"),
        (probe.valkey, "redis://{}/0", b"-NOAUTH Authentication required.\r\n", "NOAUTH"),
        (probe.valkey, "redis://:bad@{}/0", b"-WRONGPASS no\r\n-NOAUTH no\r\n", "WRONGPASS"),
    ],
)
def test_any_other_answer_is_given_as_the_reason(ask, url, answer, why):
    with server_saying(answer) as address, pytest.raises(Unreachable, match=why):
        ask(url.format(address))


@pytest.mark.parametrize("ask", [probe.postgres, probe.rabbitmq, probe.valkey])
def test_where_nothing_listens_the_connection_is_refused(ask, nobody):
    with pytest.raises(Unreachable, match="refused"):
        ask(f"any://{nobody}/")


def test_one_living_broker_of_several_is_enough(nobody):
    with server_saying(b"\x01\0\0\0\0\x01\xe9\0\x0a\0\x0a") as address:
        probe.rabbitmq(f"amqp://{nobody}//;amqp://{address}//")


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
