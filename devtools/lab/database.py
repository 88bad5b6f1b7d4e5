"""Connections and statements for the tools, and the tables that posts fill."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO

import psycopg2

# Tables in which the bus and the ledgers keep rows about posts for some days.
KEPT_FOR_DAYS = (
    *("timelines_slicerecord", "timelines_fanout"),
    *("notifications_slicerecord", "notifications_fanout"),
    *("analytics_eventrecord", "analytics_rollup"),
    *("events_outboxevent", "events_inboxentry", "events_deadletter"),
)
# All tables that posts fill.
DELIVERED = (
    *KEPT_FOR_DAYS,
    *("timelines_timelineentry", "notifications_notification", "notifications_delivery"),
    "events_waitingevent",
)


def connect(database_url: str, options: str = ""):
    """A psycopg2 connection in autocommit mode that may write even if the server's default is
    read-only. `options` are server options. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(
        database_url,
        connect_timeout=3,
        application_name="devtools",
        options=f"-c default_transaction_read_only=off {options}",
    )
    connection.autocommit = True
    return connection


def query(
    connection, statement: str, parameters: Mapping[str, object] | Sequence | None = None
) -> list[tuple]:
    """Run one statement and return its rows. Raises psycopg2.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def execute(connection, statements: str) -> None:
    """Run statements without parameters or results."""
    with connection.cursor() as cursor:
        cursor.execute(statements)


def empty(connection, *tables: str) -> None:
    """Empty tables in one transaction, so that the reconciler never sees events without their inbox
    rows."""
    execute(connection, f"TRUNCATE {', '.join(tables)}")


def copy(connection, table: str, columns: str, lines: Iterable[str]) -> None:
    """Insert rows in COPY's text format with one statement, so that statement triggers run once."""
    with connection.cursor() as cursor:
        rows = BytesIO("".join(lines).encode())
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", rows)
