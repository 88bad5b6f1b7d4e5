"""Pausing a subscriber: its events wait in its queue, and nothing is lost.

Guarantee: every consumer of the subscriber is paused within a second, and resumes by itself when
the pause's time is over, by the database's clock.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from events.holding import Hold
from events.models import Pause

# After a longer pause, events older than the inbox's rows would be refused.
LONGEST = timedelta(days=7)
LONGEST_MINUTES = LONGEST // timedelta(minutes=1)


def pause(subscriber: str, *, lasting: timedelta | None, now: datetime) -> None:
    """Pause the subscriber for `lasting` or, if that is None, until it is resumed. Replaces an
    earlier pause. Raises ValueError unless `lasting` is positive and at most LONGEST."""
    if lasting is not None and not timedelta() < lasting <= LONGEST:
        raise ValueError(f"a pause lasts at most {LONGEST.days} days, and not {lasting}")
    Pause.objects.update_or_create(
        subscriber=subscriber,
        defaults={"since": now, "until": None if lasting is None else Now() + lasting},
    )


def resume(subscriber: str) -> None:
    Pause.objects.filter(subscriber=subscriber).delete()


def paused() -> dict[str, datetime | None]:
    """Return the end of the pause of each paused subscriber; None if it must be resumed."""
    return dict(_current().values_list("subscriber", "until"))


def _current() -> QuerySet[Pause]:
    return Pause.objects.filter(Q(until=None) | Q(until__gt=Now()))


class PauseHold(Hold):
    """Holds while the subscriber is paused."""

    log_messages = ("paused", "resumed")

    def check(self) -> bool:
        # Does not read the end of the pause: Python cannot represent every time that PostgreSQL
        # can, and the error would end the consumer.
        return _current().filter(subscriber=self.subscriber).exists()

    def disconnect(self) -> None:
        connection.close()
