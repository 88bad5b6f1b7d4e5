"""Delete old records and rollups. Rollups of days are kept for ever: they are few and small."""

from datetime import datetime, timedelta

from django.conf import settings

from analytics import days
from analytics.models import Rollup

AHEAD = timedelta(days=1)


def prune(*, now: datetime) -> None:
    """Drop old records and rollups, and create the partitions of today's and tomorrow's records.
    `now` must be the database's time: a machine whose clock is ahead must not drop new data."""
    days.ensure([now.date(), (now + AHEAD).date()])
    days.drop_before((now - settings.ANALYTICS_KEEP_RECORDS).date())
    for period, age in (
        (Rollup.Period.MINUTE, settings.ANALYTICS_KEEP_MINUTES),
        (Rollup.Period.HOUR, settings.ANALYTICS_KEEP_HOURS),
    ):
        # Uses the index analytics_rollup_age. Deletes one hour of rollups if it runs every hour.
        Rollup.objects.filter(period=period, starts_at__lt=now - age).delete()
