"""Pausing a subscriber: its events wait in its queue, and nothing is lost.

Guarantee: a pause holds in every consumer of the subscriber a second after it was asked for, and
ends by itself at its time, by the database's clock.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from events.holding import Sign
from events.models import Pause

# A longer one is an outage, and events older than the inbox remembers would be refused after it.
LONGEST = timedelta(days=7)
LONGEST_MINUTES = LONGEST // timedelta(minutes=1)


def pause(subscriber: str, *, lasting: timedelta | None, now: datetime) -> None:
    """Pause it, `lasting` from now or until it is resumed; a later pause replaces an earlier.
    Raises ValueError for one that lasts longer than LONGEST, or not at all."""
    if lasting is not None and not timedelta() < lasting <= LONGEST:
        raise ValueError(f"a pause lasts at most {LONGEST.days} days, and not {lasting}")
    Pause.objects.update_or_create(
        subscriber=subscriber,
        defaults={"since": now, "until": None if lasting is None else Now() + lasting},
    )


def resume(subscriber: str) -> None:
    Pause.objects.filter(subscriber=subscriber).delete()


def paused() -> dict[str, datetime | None]:
    """Until when each paused subscriber is; None for one that waits to be resumed."""
    return dict(_current().values_list("subscriber", "until"))


def _current() -> QuerySet[Pause]:
    return Pause.objects.filter(Q(until=None) | Q(until__gt=Now()))


class PauseSign(Sign):
    """Raised while the subscriber is paused."""

    told = ("paused", "resumed")

    def look(self) -> bool:
        # Not until when: a time that only the database can hold must not end the consumer.
        return _current().filter(subscriber=self.subscriber).exists()

    def renew(self) -> None:
        connection.close()
