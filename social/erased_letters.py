"""Erase the text of deleted posts from dead letters: a letter's body and exception may hold it.

Guarantee: DELAY after its post was deleted, or after it was filed if that was later, a letter holds
no text of the post. It keeps its headers. An operator can then only discard it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django_celery_results.models import TaskResult

from events.conf import setting

# Until then an operator can still replay a letter, for example one about removing the post's
# rows. We promise one day; half of it leaves time for a run that is late.
DELAY = timedelta(hours=12)
BATCH = 5_000

# Uses the primary key.
BATCH_END = """
    SELECT max(id) FROM (
        SELECT id FROM events_deadletter WHERE id > %s ORDER BY id LIMIT %s
    ) AS batch
"""
# Erase the letters of a batch that still hold text. Uses the primary keys of letters and posts.
# A task may be about several posts. Its body holds ids only, so it keeps the body until all of them
# are deleted. A letter that names no post (unreadable, or not one of our events) may hold the text
# of any post: it is erased when it is older than the oldest event that the outbox keeps.
ERASE = """
    WITH affected AS MATERIALIZED (
        SELECT letter.id, about.gone > 0 AS some,
               CASE WHEN about.posts > 0 THEN about.gone = about.posts
                    ELSE letter.first_failed_at < %(unknown)s
                         AND (letter.subjects = '{}' OR letter.event_type LIKE 'post.%%')
               END AS entirely
        FROM events_deadletter letter CROSS JOIN LATERAL (
            SELECT count(*) AS posts, count(*) FILTER (
                WHERE NOT EXISTS (
                    SELECT FROM social_post post
                    WHERE post.id = substr(subject, 9)::bigint
                          AND (post.deleted_at IS NULL OR post.deleted_at >= %(before)s)
                )
            ) AS gone
            FROM unnest(letter.subjects) AS subject
            WHERE subject ~ '^post_id:[0-9]{1,18}$'
        ) AS about
        WHERE letter.id > %(after)s AND letter.id <= %(end)s
              AND letter.first_failed_at < %(before)s
              AND (octet_length(letter.body) > 0 OR letter.exception_message <> ''
                   OR letter.traceback <> '')
        FOR UPDATE OF letter SKIP LOCKED
    )
    UPDATE events_deadletter letter
    SET exception_message = '', traceback = '',
        body = CASE WHEN affected.entirely THEN ''::bytea ELSE letter.body END,
        erased_at = CASE WHEN affected.entirely THEN %(now)s ELSE letter.erased_at END
    FROM affected
    WHERE letter.id = affected.id AND (affected.some OR affected.entirely)
    RETURNING letter.message_id
"""


def erase(*, now: datetime, batch: int = BATCH) -> int:
    """Erase the text of deleted posts from letters, and the failures that Celery stored for the
    same tasks; returns the number of letters."""
    count, after = 0, 0
    while (end := _end(after, batch)) is not None:
        count += _erase(after, end, now)
        after = end
    return count


def _end(after: int, batch: int) -> int | None:
    """The last id of the batch that begins above `after`; None after the last batch."""
    with connection.cursor() as cursor:
        cursor.execute(BATCH_END, [after, batch])
        end: int | None = cursor.fetchone()[0]
        return end


@transaction.atomic
def _erase(after: int, end: int, now: datetime) -> int:
    window: dict[str, Any] = {"after": after, "end": end, "now": now}
    unknown = now - setting("EVENTS_KEEP_PUBLISHED")
    with connection.cursor() as cursor:
        cursor.execute(ERASE, window | {"before": now - DELAY, "unknown": unknown})
        erased = [row[0] for row in cursor]
    TaskResult.objects.filter(task_id__in=erased).delete()
    return len(erased)
