from datetime import UTC, date, datetime, timedelta

import pytest

from analytics import days, histogram, pruning
from analytics.models import EventRecord, Rollup
from analytics.recording import record
from analytics.rollups import roll_up
from tests.analytics.records import DAY, event

pytestmark = pytest.mark.django_db

FIFTEENTH = date(2026, 1, 15)


def test_a_day_is_dropped_only_once_all_its_events_are_counted(settings):
    record([event("e1", "post.created"), event("e2", "post.created", day=16)], now=DAY)
    now = DAY + settings.ANALYTICS_KEEP_RECORDS - timedelta(days=1)
    pruning.prune(now=now)
    assert FIFTEENTH in days.existing()
    roll_up()
    pruning.prune(now=now)
    assert FIFTEENTH not in days.existing()
    assert EventRecord.objects.get().event_id == "e2"
    assert Rollup.objects.get(period="day", author_id=0, starts_at__day=15).posts == 1


def test_todays_and_tomorrows_partitions_are_created():
    pruning.prune(now=DAY)
    assert {date(2026, 1, 17), date(2026, 1, 18)} <= set(days.existing())


def test_old_minutes_and_hours_are_deleted_and_days_stay(settings):
    now = datetime(2026, 6, 1, tzinfo=UTC)
    for period in Rollup.Period:
        for age in (1, 3, 1_000):
            Rollup.objects.create(
                period=period,
                author_id=0,
                starts_at=now - timedelta(days=age),
                timeline_latency=histogram.empty(),
                push_latency=histogram.empty(),
            )
    pruning.prune(now=now)
    left = [(r.period, (now - r.starts_at).days) for r in Rollup.objects.order_by("id")]
    assert left == [("minute", 1), ("hour", 1), ("hour", 3), ("day", 1), ("day", 3), ("day", 1_000)]
