"""What operators look at, after a week of posts: no statement may read a growing table whole."""

import pytest
from django.db import connection

from operations import failures, lag
from social import partitions

pytestmark = pytest.mark.django_db

# The tables that grow with the posts, or with their failures.
GROWING = (
    *("social_post", "events_outboxevent", "events_inboxentry", "events_deadletter"),
    *("timelines_fanout", "timelines_slicerecord", "notifications_delivery"),
)
GROWN = """
    WITH week AS (
        SELECT number, now() - number * interval '20 seconds' AS at
        FROM generate_series(1, 10000) AS number
    ), posts AS (
        INSERT INTO social_post (id, author_id, content, created_at)
        SELECT number, %(author)s, 'hi', at FROM week
    ), sent AS (
        INSERT INTO events_outboxevent (event_id, exchange, routing_key, headers, properties, body,
            created_at, due_at, published_at, attempts, last_error)
        SELECT 'evt_' || number, 'posts.fanout', 'post.created', '{}', '{}', '', at, at, at, 0, ''
        FROM week
    ), taken AS (
        INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
        SELECT name, 'evt_' || number, '', at
        FROM week, unnest('{timelines,notifications,analytics}'::text[]) AS name
    ), begun AS (
        INSERT INTO timelines_fanout (post_id, slices, planned_at, finished_at)
        SELECT number, 1, at, CASE WHEN number > 9 THEN at END FROM week
    ), letters AS (
        INSERT INTO events_deadletter (queue, message_id, task, event_type, subjects, headers,
            properties, body, exception_type, exception_message, traceback, traceparent, attempts,
            first_failed_at, last_failed_at, state)
        SELECT 'timelines.high', number, '', '', '{}', '{}', '{}', '', 'ValueError', '', '', '', 1,
               at, at, CASE WHEN number > 99 THEN 'replayed' ELSE 'open' END FROM week
    ), pushes AS (
        INSERT INTO notifications_delivery (post_id, subscription_id, recipient_id, state,
            attempts, reason, created_at)
        SELECT number, 1, 1, 'sent', 1, '', at FROM week
    )
    INSERT INTO timelines_slicerecord (post_id, after, up_to, rows, written_at)
    SELECT number, 0, 9223372036854775807, 1000, at FROM week
"""


@pytest.fixture
def grown(alice, settings):
    """A week of posts, all of them long worked off."""
    partitions.ensure("notifications_delivery", range(1, 10_001, settings.PARTITION_POSTS))
    partitions.ensure("notifications_delivery", [10_000])
    with connection.cursor() as cursor:
        cursor.execute(GROWN, {"author": alice.pk})
        for table in GROWING:
            cursor.execute(f"ANALYZE {table}")


STATEMENTS = [
    (lag.PENDING, [lag.PENDING_LIMIT]),
    (
        lag.OLDEST,
        {"subscriber": "timelines", "queue": "timeline.worker", "types": ["post.created"]},
    ),
    (lag.HANDLED, [60]),
    (lag.LEDGER.format(app="timelines"), [60]),
    (failures.LETTERS, []),
    (failures.PUSHES, []),
]


def test_no_statement_reads_a_growing_table_from_end_to_end(grown):
    with connection.cursor() as cursor:
        for sql, parameters in STATEMENTS:
            cursor.execute(f"EXPLAIN {sql}", parameters)
            plan = "\n".join(row[0] for row in cursor)
            assert not [table for table in GROWING if f"Seq Scan on {table}" in plan], plan
