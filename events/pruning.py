"""Removing what the bus no longer needs, by age and in small batches.

Guarantee: nothing is pruned that is still to be published, had its effect too recently to be told
from a redelivery, or waits for an operator.
"""

from events.batches import BATCH, by, delete_in_batches
from events.conf import setting

# Each by the index on its time.
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
    """Remove what is older than each setting allows; returns how many rows by setting's name."""
    return {
        name: delete_in_batches(by(sql, setting(name)), batch=batch) for name, sql in PRUNED.items()
    }
