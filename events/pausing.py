"""Pausing a subscriber: its events wait in its queue, and nothing is lost.

Guarantee: a pause holds in every consumer of the subscriber a second after it was asked for, and
ends by itself at its time, by the database's clock.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from events.holding import Sign
from events.models import Pause


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


class PauseSign(Sign):
    """Raised while the subscriber is paused."""

    told = ("paused", "resumed")

    def look(self) -> bool:
        return self.subscriber in paused()

    def renew(self) -> None:
        connection.close()
