"""Connections to a PostgreSQL whose network drops every packet, and to one that refuses."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import OperationalError, connection

from connectify.postgresql import base
from connectify.postgresql.circuit import PAUSE_SECONDS, SILENT_SECONDS, Circuit, CircuitOpenError
from devtools.faults.proxy import Proxy
from tests.waiting import until


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock) -> Circuit:
    """The circuit of a server that has just not answered."""
    circuit = Circuit(clock)
    with suppress(TimeoutError), circuit.attempt():
        clock.now += SILENT_SECONDS
        raise TimeoutError
    return circuit


def is_tried(circuit: Circuit) -> bool:
    try:
        with circuit.attempt():
            return True
    except CircuitOpenError:
        return False


def test_a_silent_server_is_not_tried_again_for_a_moment(opened, clock):
    assert not is_tried(opened)
    clock.now += PAUSE_SECONDS
    assert is_tried(opened)


def test_one_thread_at_a_time_tries_an_open_circuit(opened, clock):
    clock.now += PAUSE_SECONDS
    with suppress(TimeoutError), opened.attempt():
        assert not is_tried(opened)
        clock.now += 5
        assert not is_tried(opened)
        raise TimeoutError
    assert not is_tried(opened)


def test_all_may_connect_again_once_one_thread_has(opened, clock):
    clock.now += PAUSE_SECONDS
    assert is_tried(opened)
    with opened.attempt():
        assert is_tried(opened)


def test_a_refused_connection_does_not_open_the_circuit(clock):
    circuit = Circuit(clock)
    with suppress(ConnectionError), circuit.attempt():
        raise ConnectionError
    assert is_tried(circuit)


def connect_to(port: int) -> None:
    made = connection.copy()
    made.settings_dict = {
        **made.settings_dict,
        "PORT": port,
        "OPTIONS": {**made.settings_dict["OPTIONS"], "connect_timeout": 2},
    }
    assert isinstance(made, base.DatabaseWrapper)
    try:
        made.ensure_connection()
    finally:
        made.close()


@pytest.fixture
def link(db) -> Iterator[Proxy]:
    proxy = Proxy(int(connection.settings_dict["PORT"])).start()
    yield proxy
    proxy.stop()


def test_a_connection_fails_at_once_after_one_has_timed_out(link):
    connect_to(link.port)
    link.blackhole()
    with pytest.raises(OperationalError, match="timeout expired"):
        connect_to(link.port)
    with pytest.raises(OperationalError, match="did not answer a moment ago"):
        connect_to(link.port)
    link.heal()

    def connects() -> bool:
        try:
            connect_to(link.port)
        except OperationalError:
            return False
        return True

    until(connects)


def test_every_refused_connection_is_an_attempt(db):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    for _ in range(2):
        with pytest.raises(OperationalError, match="refused"):
            connect_to(port)
