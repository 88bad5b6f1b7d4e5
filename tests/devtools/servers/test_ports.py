"""A clone keeps its ports, and gives way when somebody else has taken one."""

import random
import socket
import threading

import pytest

from devtools.servers.ports import CANDIDATES, Ports, is_free
from devtools.servers.process import ServerFailure


@pytest.fixture
def ports(tmp_path):
    return Ports(tmp_path / "ports.json")


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    other.bind((host, port))
    other.listen()
    return other


def test_a_port_is_remembered_by_name(ports):
    ports.claim("amqp", "dist")
    first = ports.known()
    Ports(ports.path).claim("dist", "amqp")
    assert Ports(ports.path).known() == first


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_taken_by_somebody_else_is_given_up_and_the_others_are_kept(ports, host):
    ports.claim("amqp", "dist")
    before = ports.known()
    with listen(before["amqp"], host):
        ports.claim("amqp", "dist")
    assert ports["amqp"] != before["amqp"]
    assert ports["dist"] == before["dist"]


def test_a_killed_servers_port_is_waited_for(ports):
    ports.claim("amqp")
    before = ports["amqp"]
    dying = listen(before)
    threading.Timer(0.3, dying.close).start()
    ports.claim("amqp")
    assert ports["amqp"] == before


def test_two_names_never_share_a_port_even_before_anyone_listens(tmp_path):
    class Stubborn(random.Random):
        """Offers the same ports in the same order each time."""

        def sample(self, population, k):
            return list(population)[:k]

    ports = Ports(tmp_path / "ports.json", Stubborn())
    ports.claim("amqp", "dist")
    ports.claim("epmd")
    assert len(set(ports.known().values())) == 3


def test_ports_lie_below_those_that_the_kernel_gives_to_outgoing_connections():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        assert int(file.read().split()[0]) >= CANDIDATES.stop


def test_lingering_connections_do_not_make_a_port_look_taken(ports):
    ports.claim("amqp")
    with listen(ports["amqp"]) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        accepted.close()  # The side that closes first is left in TIME_WAIT.
        client.recv(1)
    assert is_free(ports["amqp"])


def test_a_port_that_was_never_claimed_says_what_to_do(ports):
    with pytest.raises(ServerFailure, match="run bin/services up"):
        ports["amqp"]
