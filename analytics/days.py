"""Partitions of the event records, one per day (UTC). Old records are removed by dropping a table.

Guarantee: a day is dropped only once all of its events are counted in the rollups.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from fanout import partitions

TABLE = "analytics_eventrecord"

DAYS = f"""
    SELECT to_date(right(relname, 8), 'YYYYMMDD')
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = '{TABLE}'::regclass ORDER BY 1
"""


def existing() -> list[date]:
    """The days that have a partition, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS)
        return [day for (day,) in cursor]


def ensure(days: Iterable[date]) -> None:
    """Create the missing partitions of these days."""
    for day in sorted(set(days) - set(existing())):
        with partitions.making(TABLE):
            if day not in existing():
                first = datetime(day.year, day.month, day.day, tzinfo=UTC)
                partitions.create(TABLE, _name(day), first, first + timedelta(days=1))


def drop_before(first: date) -> list[date]:
    """Drop the days before `first` whose events are all counted; returns the dropped days."""
    dropped = []
    for day in existing():
        with transaction.atomic(), connection.cursor() as cursor:
            if day >= first:
                break
            # Uses the index analytics_record_uncounted, which holds only the last seconds' events.
            cursor.execute(f"SELECT EXISTS (SELECT FROM {_name(day)} WHERE NOT counted)")
            if not cursor.fetchone()[0]:
                cursor.execute(f"DROP TABLE {_name(day)}")
                dropped.append(day)
    return dropped


def _name(day: date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"
