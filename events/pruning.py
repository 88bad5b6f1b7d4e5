"""Deleting old rows of the bus, in small batches.

Guarantee: pruning keeps every row that is still to be published, is needed to recognise a
redelivery, or waits for an operator.
"""

from events.batches import BATCH, by, delete_in_batches
from events.conf import setting

# Each statement uses the index on its time column.
PRUNED = {
    "EVENTS_KEEP_PUBLISHED": """
        DELETE FROM events_outboxevent WHERE id IN (
            SELECT id FROM events_outboxevent
            WHERE published_at IS NOT NULL AND published_at < statement_timestamp() - %s
            LIMIT %s
        )
    """,
    "EVENTS_KEEP_INBOX": """
        DELETE FROM events_inboxentry WHERE (subscriber, event_id) IN (
            SELECT subscriber, event_id FROM events_inboxentry
            WHERE received_at < statement_timestamp() - %s LIMIT %s
        )
    """,
    "EVENTS_KEEP_LETTERS": """
        DELETE FROM events_deadletter WHERE id IN (
            SELECT id FROM events_deadletter
            WHERE last_failed_at < statement_timestamp() - %s AND state <> 'open' LIMIT %s
        )
    """,
    "EVENTS_KEEP_RESULTS": """
        DELETE FROM django_celery_results_taskresult WHERE id IN (
            SELECT id FROM django_celery_results_taskresult
            WHERE date_done < statement_timestamp() - %s LIMIT %s
        )
    """,
}


def prune(batch: int = BATCH) -> dict[str, int]:
    """Delete the rows older than each setting allows; return the number of rows by setting."""
    return {
        name: delete_in_batches(by(sql, setting(name)), batch=batch) for name, sql in PRUNED.items()
    }
