"""Pages and statements for operators, after two days of posts: none reads much of a table that
grows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events import healing, outbox
from events.models import DeadLetter, OutboxEvent
from events.reconciling import RESEND
from events.registry import subscribers
from fanout import partitions
from fanout import pruning as ledger_pruning
from tests.plans import rows_read
from timelines import fanout

pytestmark = pytest.mark.django_db

# The tables that grow with the posts, or with their failures.
GROWING = (
    *("social_post", "events_outboxevent", "events_inboxentry", "events_deadletter"),
    *("timelines_fanout", "timelines_slicerecord", "notifications_delivery"),
)
GROWN = """
    WITH posted AS (
        SELECT number, now() - number * interval '20 seconds' AS at
        FROM generate_series(1, 10000) AS number
    ), known AS (
        INSERT INTO events_reconciliation (subscriber, complete_until)
        SELECT name, now() - interval '5 minutes' FROM unnest(%(subscribers)s) AS name
    ), posts AS (
        INSERT INTO social_post (id, author_id, content, created_at)
        SELECT number, %(author)s, 'hi', at FROM posted
    ), sent AS (
        INSERT INTO events_outboxevent (event_id, exchange, routing_key, headers, properties, body,
            created_at, due_at, published_at, attempts, last_error)
        SELECT 'evt_' || number, 'posts.fanout', 'post.created', '{}', '{}', '', at, at, at, 0, ''
        FROM posted
    ), taken AS (
        INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
        SELECT name, 'evt_' || number, '', at
        FROM posted, unnest(%(subscribers)s) AS name
    ), begun AS (
        INSERT INTO timelines_fanout (post_id, slices, planned_at, finished_at)
        SELECT number, 1, at, CASE WHEN number > 9 THEN at END FROM posted
    ), letters AS (
        INSERT INTO events_deadletter (queue, message_id, task, event_type, subjects, headers,
            properties, body, exception_type, exception_message, traceback, traceparent, attempts,
            first_failed_at, last_failed_at, state)
        SELECT 'timelines.high', number, '', '', '{}', '{}', '{}', '', 'ValueError', '', '', '', 1,
               at, at, CASE WHEN number > 99 THEN 'replayed' ELSE 'open' END FROM posted
    ), pushes AS (
        INSERT INTO notifications_delivery (post_id, subscription_id, recipient_id, state,
            attempts, reason, created_at)
        SELECT number, 1, 1, 'sent', 1, '', at FROM posted
    )
    INSERT INTO timelines_slicerecord (post_id, after, up_to, rows, written_at)
    SELECT number, 0, 9223372036854775807, 1000, at FROM posted
"""


PAGES = ("/admin/operations/status/", "/metrics")
# A page counts this many of the newest pushes, and half as many slices. Each table has 10,000 rows.
FEW = 2_000


@pytest.fixture
def grown(alice, settings):
    """Two days of posts; all but the last have long been processed."""
    partitions.ensure("notifications_delivery", range(1, 10_001, settings.PARTITION_POSTS))
    partitions.ensure("notifications_delivery", [10_000])
    with connection.cursor() as cursor:
        cursor.execute(GROWN, {"author": alice.pk, "subscribers": list(subscribers)})
        for table in GROWING:
            cursor.execute(f"ANALYZE {table}")


PACED = """
    INSERT INTO events_outboxevent (event_id, exchange, routing_key, headers, properties, body,
        created_at, due_at, attempts, last_error)
    SELECT 'evt_paced_' || number, '', 'timeline.worker', '{}', '{}', '',
           now(), now() + interval '1 hour', 0, '' FROM generate_series(1, 10000) AS number
"""


def test_counting_pending_messages_reads_nothing_of_a_paced_replay(grown):
    with connection.cursor() as cursor:
        cursor.execute(PACED)
        cursor.execute("ANALYZE events_outboxevent")
        cursor.execute(f"EXPLAIN {outbox.PENDING}", [None, outbox.PENDING_LIMIT])
        plan = "\n".join(line for (line,) in cursor)
    assert "events_outbox_pending" in plan
    assert rows_read(GROWING, outbox.PENDING, [None, outbox.PENDING_LIMIT]) == 0


def test_reconciling_during_a_paced_replay_does_not_read_it_for_each_event(grown):
    """Even with statistics from before the replay."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_inboxentry")
        cursor.execute(PACED)
    now = timezone.now()
    window = {
        "since": now - timedelta(days=1),
        "until": now,
        "queue": "timeline.worker",
        "subscriber": "timelines",
        "types": ["post.created"],
    }
    events = OutboxEvent.objects.filter(published_at__gt=window["since"]).count()
    assert rows_read(GROWING, RESEND.rpartition("RETURNING")[0], window) <= 6 * events


def test_unsettled_letters_during_a_paced_replay_do_not_read_it_for_each_letter(grown):
    """Even with statistics from before the replay."""
    with connection.cursor() as cursor:
        cursor.execute(PACED)
    letters = DeadLetter.objects.filter(state="replayed")
    letters.update(replayed_at=timezone.now() - timedelta(hours=1))
    sql, parameters = healing.unsettled().query.sql_with_params()
    assert rows_read(GROWING, sql, parameters) <= 4 * letters.count()


@pytest.mark.parametrize("page", PAGES)
def test_no_statement_of_a_page_reads_more_than_a_few_rows(grown, admin_client, settings, page):
    settings.METRICS_TOKEN = "token"
    statements = []

    def note(execute, sql, params, many, context):
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answer = admin_client.get(page, headers={"Authorization": "Bearer token"})
    assert answer.status_code == 200
    asked = [each for each in statements if any(table in each[0] for table in GROWING)]
    assert asked
    for sql, parameters in asked:
        assert rows_read(GROWING, sql, parameters) <= FEW, sql


def test_the_check_for_overlapping_slices_uses_the_ledgers_key(grown, alice, now):
    slices = [[9_999, 10_000], [alice.pk] * 2, [0, 5_000], [5_000, 2**63 - 1]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {fanout.FIRST_TRY}", [*slices, now])
        plan = "\n".join(line for (line,) in cursor)
    assert "timelines_slicerecord_pkey" in plan
    assert "Seq Scan on timelines_slicerecord" not in plan


def test_pruning_a_ledger_uses_its_key_and_reads_only_what_it_deletes(grown):
    tables = {"fan_outs": "timelines_fanout", "records": "timelines_slicerecord"}
    for sql in (ledger_pruning.SLICES, ledger_pruning.FAN_OUTS):
        # Each row is read twice: it is found, and then looked up and deleted.
        assert rows_read(GROWING, sql.format(**tables), [9_000, 100]) <= 4 * 100
