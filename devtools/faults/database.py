"""The harness's own database: emptied for a row, and looked into."""

from collections.abc import Mapping

import psycopg2

# Posts, all that they leave behind, and devices. Users, tokens and the reconciler's marks stay.
EMPTIED = (
    *("social_post", "social_idempotencykey", "social_block"),
    *("timelines_timelineentry", "timelines_slicerecord", "timelines_fanout"),
    *("notifications_notification", "notifications_delivery"),
    *("notifications_slicerecord", "notifications_fanout"),
    *("notifications_pushsubscription", "notifications_preference"),
    *("analytics_eventrecord", "analytics_rollup"),
    *("events_outboxevent", "events_inboxentry", "events_waitingevent", "events_deadletter"),
    "django_celery_results_taskresult",
)

# What the bus and the ledgers keep of posts for days, and then forget.
KEPT_FOR_DAYS = (
    *("timelines_slicerecord", "timelines_fanout"),
    *("notifications_slicerecord", "notifications_fanout"),
    *("analytics_eventrecord", "analytics_rollup"),
    *("events_outboxevent", "events_inboxentry", "events_deadletter"),
)

# What is due, as in events/outbox.py: a paced replay waits for its time, and for nobody.
PENDING = """
    SELECT count(*) FROM events_outboxevent
    WHERE published_at IS NULL AND due_at <= statement_timestamp()
"""
LETTERS = """
    SELECT exception_type, exception_message FROM events_deadletter
    WHERE queue = %(queue)s AND state = 'open'
"""


def connect(database_url: str):
    """A connection in autocommit mode, which may write whatever the server's setting says. Raises
    psycopg2.OperationalError."""
    connection = psycopg2.connect(
        database_url,
        connect_timeout=3,
        application_name="faults",
        options="-c default_transaction_read_only=off",
    )
    connection.autocommit = True
    return connection


def empty(connection) -> None:
    """In one transaction, so that the reconciler never sees events without their inbox rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(EMPTIED)}")


def empty_bus(connection) -> None:
    """As if all posts were older than what the bus and the ledgers keep."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(KEPT_FOR_DAYS)}")


def query(connection, statement: str, parameters: Mapping[str, object] | None = None) -> list:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def pending(connection) -> int:
    """How many events should be published by now."""
    return query(connection, PENDING)[0][0]


def letters(connection, queue: str) -> list[str]:
    """Why the open dead letters of a queue are there."""
    found = query(connection, LETTERS, {"queue": queue})
    return [f"{name} {message}".strip() for name, message in found]
