"""How long records and rollups are kept. Days are kept for ever: they are small, and few."""

from datetime import datetime, timedelta

from django.conf import settings

from analytics import days
from analytics.models import Rollup

AHEAD = timedelta(days=1)


def prune(*, now: datetime) -> None:
    """Drop old records and rollups; makes tomorrow's partition of the records as well. `now` is
    the database's: a machine whose clock is ahead must not drop what is young."""
    days.ensure([now.date(), (now + AHEAD).date()])
    days.drop_before((now - settings.ANALYTICS_KEEP_RECORDS).date())
    for period, age in (
        (Rollup.Period.MINUTE, settings.ANALYTICS_KEEP_MINUTES),
        (Rollup.Period.HOUR, settings.ANALYTICS_KEEP_HOURS),
    ):
        # By analytics_rollup_age; an hour's worth at most, where this runs as often as it should.
        Rollup.objects.filter(period=period, starts_at__lt=now - age).delete()
