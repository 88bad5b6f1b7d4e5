"""Connections to a PostgreSQL whose link swallows every packet, and to one that refuses."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import OperationalError, connection

from connectify.postgresql import base
from connectify.postgresql.reach import PAUSE_SECONDS, SILENT_SECONDS, OutOfReachError, Reach
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
def lost(clock) -> Reach:
    """A server that has just been silent."""
    reach = Reach(clock)
    with suppress(TimeoutError), reach.attempt():
        clock.now += SILENT_SECONDS
        raise TimeoutError
    return reach


def is_tried(reach: Reach) -> bool:
    try:
        with reach.attempt():
            return True
    except OutOfReachError:
        return False


def test_a_server_that_was_silent_is_left_alone_for_a_moment(lost, clock):
    assert not is_tried(lost)
    clock.now += PAUSE_SECONDS
    assert is_tried(lost)


def test_one_thread_at_a_time_waits_for_it(lost, clock):
    clock.now += PAUSE_SECONDS
    with suppress(TimeoutError), lost.attempt():
        assert not is_tried(lost)
        clock.now += 5
        assert not is_tried(lost)
        raise TimeoutError
    assert not is_tried(lost)


def test_all_may_connect_again_when_one_has(lost, clock):
    clock.now += PAUSE_SECONDS
    assert is_tried(lost)
    with lost.attempt():
        assert is_tried(lost)


def test_a_server_that_refuses_may_take_the_next(clock):
    reach = Reach(clock)
    with suppress(ConnectionError), reach.attempt():
        raise ConnectionError
    assert is_tried(reach)


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
