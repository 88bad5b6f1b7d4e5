"""Pausing a subscriber: its events wait in its queue, and nothing is lost.

Guarantee: a pause holds in every consumer of the subscriber a second after it was asked for, and
ends by itself at its time, by the database's clock.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from events.errors import PASSING
from events.models import Pause

LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


def pause(subscriber: str, *, lasting: timedelta | None, now: datetime) -> None:
    """Pause it, `lasting` from now or until it is resumed; a later pause replaces an earlier."""
    Pause.objects.update_or_create(
        subscriber=subscriber,
        defaults={"since": now, "until": Now() + lasting if lasting else None},
    )


def resume(subscriber: str) -> None:
    Pause.objects.filter(subscriber=subscriber).delete()


def paused() -> dict[str, datetime | None]:
    """Until when each paused subscriber is; None for one that waits to be resumed."""
    current = Pause.objects.filter(Q(until=None) | Q(until__gt=Now()))
    return dict(current.values_list("subscriber", "until"))


class PauseSign:
    """Tells a consumer whether its subscriber is paused; looks once a second at most. Without the
    database it stays with what it saw last."""

    def __init__(self, subscriber: str, monotonic: Callable[[], float] = time.monotonic):
        self._subscriber = subscriber
        self._monotonic = monotonic
        self._next_look = 0.0
        self._seen = False

    def __call__(self) -> bool:
        if self._monotonic() >= self._next_look:
            self._next_look = self._monotonic() + LOOK_SECONDS
            try:
                self._see(self._subscriber in paused())
            except PASSING:
                connection.close()
        return self._seen

    def _see(self, is_paused: bool) -> None:
        if is_paused != self._seen:
            log.warning("paused" if is_paused else "resumed", subscriber=self._subscriber)
        self._seen = is_paused
