"""Failures for the operations page: dead letters by cause, the latest pushes by host, and push
services whose circuit is open.

Guarantee: bounded index scans only; nothing scans a table that grows with the posts.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from notifications.delivery.breaker_board import Board

# Uses only the index events_letter_group. Counting stops at 100,000 letters.
LETTERS = """
    SELECT queue, exception_type, count(*), max(last_failed_at) FROM (
        SELECT queue, exception_type, last_failed_at FROM events_deadletter
        WHERE state = 'open' LIMIT 100000
    ) AS letter
    GROUP BY queue, exception_type ORDER BY count(*) DESC, queue, exception_type
"""

# The deliveries of the newest posts. Uses the primary key.
PUSHES = """
    SELECT coalesce(nullif(host, ''), 'unknown'), state, count(*)
    FROM (
        SELECT host, state FROM notifications_delivery ORDER BY post_id DESC LIMIT 2000
    ) AS push
    GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Letters:
    queue: str
    exception_type: str
    count: int
    last: datetime


@dataclass(frozen=True)
class Pushes:
    host: str
    state: str
    count: int


class Breaker(NamedTuple):
    """A push service whose circuit is open (it is sent nothing) until `until`. After that it is
    sent a growing share of its pushes."""

    origin: str
    until: datetime
    is_open: bool


def letters() -> list[Letters]:
    return [Letters(*row) for row in _rows(LETTERS)]


def pushes() -> list[Pushes]:
    return [Pushes(*row) for row in _rows(PUSHES)]


def breakers(now: datetime) -> list[Breaker] | None:
    """Return the push services that failed lately; None while Valkey is unreachable."""
    with closing(Board(settings.REDIS_URL)) as board:
        found = board.openings()
    if found is None:
        return None
    untils = {origin: datetime.fromtimestamp(each.until, UTC) for origin, each in found.items()}
    return [Breaker(origin, until, until > now) for origin, until in untils.items()]


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor)
