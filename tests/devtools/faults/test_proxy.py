"""The proxy holds, swallows, refuses and cuts what passes, and counts it."""

import errno
import socket
import threading
import time

import pytest

from devtools.faults.proxy import Proxy, Way
from tests.waiting import until


@pytest.fixture
def server():
    """Sends back whatever it gets."""

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1000):
                    connection.sendall(data)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=[connection], daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    # Closing alone would not wake the thread that accepts.
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def proxy(server):
    proxy = Proxy(server).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def client(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"hello")
        assert client.recv(1000) == b"hello"
        yield client


def hears_nothing(client: socket.socket) -> bool:
    client.settimeout(0.3)
    try:
        client.recv(1000)
        return False
    except TimeoutError:
        return True
    finally:
        client.settimeout(5)


def test_what_is_stalled_arrives_after_the_healing(proxy, client):
    proxy.stall(Way.BACK)
    client.sendall(b"late")
    assert hears_nothing(client)
    proxy.heal()
    assert client.recv(1000) == b"late"
    assert proxy.disturbed == 4


def test_what_is_swallowed_never_arrives_and_its_connection_is_cut(proxy, client):
    proxy.swallow(Way.OUT)
    client.sendall(b"gone")
    assert hears_nothing(client)
    assert proxy.disturbed == 4
    proxy.heal()
    with pytest.raises(ConnectionResetError):
        client.recv(1000)


def test_a_cut_resets_the_connections_there_are(proxy, client):
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1000)
    assert proxy.cuts == 1


def test_refused_connections_are_reset_until_the_healing(proxy, client):
    proxy.refuse()
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as another,
    ):
        another.recv(1000)
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as another:
        another.sendall(b"hello")
        assert another.recv(1000) == b"hello"


def test_a_delay_delays_each_way(proxy, client):
    proxy.delay(0.2)
    begun = time.monotonic()
    client.sendall(b"slow")
    assert client.recv(1000) == b"slow"
    assert time.monotonic() - begun >= 0.4


def test_bytes_are_counted_by_their_way(proxy, client):
    until(lambda: proxy.passed == {Way.OUT: 5, Way.BACK: 5})


def test_a_half_cut_resets_the_client_and_tells_the_server_at_the_healing(proxy, client, server):
    proxy.half_cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1000)
    assert proxy.cuts == 1
    until(lambda: len(proxy._open) == 1)
    proxy.heal()
    until(lambda: not proxy._open or all(each.is_closing() for each in proxy._open))


def test_a_blackhole_acknowledges_nothing_and_answers_no_connection(proxy, client):
    proxy.blackhole()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1_000)
    client.sendall(b"gone")
    with pytest.raises(TimeoutError) as ended:
        client.recv(1000)
    assert ended.value.errno == errno.ETIMEDOUT
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3)
    proxy.heal()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as another:
        another.sendall(b"hello")
        assert another.recv(1000) == b"hello"


def test_who_is_cut_off_behind_the_proxy_hears_of_it_when_it_sends(proxy, client):
    proxy.cut_behind()
    assert proxy.cuts == 1
    assert hears_nothing(client)
    client.sendall(b"anybody there?")
    with pytest.raises(ConnectionResetError):
        client.recv(1000)
