"""Partitions of the event records, one for each day (UTC): old records leave by dropping a table.

Guarantee: a day is dropped only when each of its events is in the rollups.
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
    """The days that there are partitions of, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS)
        return [day for (day,) in cursor]


def ensure(days: Iterable[date]) -> None:
    """Make the partitions of these days, where they are missing."""
    for day in sorted(set(days) - set(existing())):
        with partitions.making(TABLE):
            if day not in existing():
                first = datetime(day.year, day.month, day.day, tzinfo=UTC)
                partitions.create(TABLE, _name(day), first, first + timedelta(days=1))


def drop_before(first: date) -> list[date]:
    """Drop the days before `first` that are wholly counted; returns which those were."""
    dropped = []
    for day in existing():
        with transaction.atomic(), connection.cursor() as cursor:
            if day >= first:
                break
            # By analytics_record_uncounted, which is empty but for the last seconds.
            cursor.execute(f"SELECT EXISTS (SELECT FROM {_name(day)} WHERE NOT counted)")
            if not cursor.fetchone()[0]:
                cursor.execute(f"DROP TABLE {_name(day)}")
                dropped.append(day)
    return dropped


def _name(day: date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"
