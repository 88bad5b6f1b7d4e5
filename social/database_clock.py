"""The database's clock. Retention uses it, so that a process whose clock is wrong drops no data."""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        time: datetime = cursor.fetchone()[0]
        return time
