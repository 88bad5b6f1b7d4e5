"""Erasing dead letters about posts that are deleted: body and exception may hold the post's words.

Guarantee: DELAY after its post was deleted, or after it was filed if that was later, a letter holds
no word of the post. It keeps its headers, and can then only be discarded.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django_celery_results.models import TaskResult

from events.conf import setting

# An operator may still replay a letter until then, such as one about the removal of the post's
# rows. Half of the day that is promised, so that a run may be late.
DELAY = timedelta(hours=12)
BATCH = 5_000

# By the primary key.
BATCH_END = """
    SELECT max(id) FROM (
        SELECT id FROM events_deadletter WHERE id > %s ORDER BY id LIMIT %s
    ) AS batch
"""
# Those of the batch that still hold anything, by the primary keys of letters and posts. A task may
# be about several posts: while one of them lives, the task keeps its body, which holds ids alone. A
# letter that names no post, being unreadable or no event of ours, may hold the words of any: it is
# erased as old as the events that it may have been made of.
ERASE = """
    WITH told AS MATERIALIZED (
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
        body = CASE WHEN told.entirely THEN ''::bytea ELSE letter.body END,
        erased_at = CASE WHEN told.entirely THEN %(now)s ELSE letter.erased_at END
    FROM told
    WHERE letter.id = told.id AND (told.some OR told.entirely)
    RETURNING letter.message_id
"""


def erase(*, now: datetime, batch: int = BATCH) -> int:
    """Erase what may hold words of deleted posts, and the failures of the same tasks that Celery
    keeps; returns of how many letters."""
    count, after = 0, 0
    while (end := _end(after, batch)) is not None:
        count += _erase(after, end, now)
        after = end
    return count


def _end(after: int, batch: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(BATCH_END, [after, batch])
        return cursor.fetchone()[0]


@transaction.atomic
def _erase(after: int, end: int, now: datetime) -> int:
    window = {"after": after, "end": end, "now": now}
    unknown = now - setting("EVENTS_KEEP_PUBLISHED")
    with connection.cursor() as cursor:
        cursor.execute(ERASE, window | {"before": now - DELAY, "unknown": unknown})
        erased = [row[0] for row in cursor]
    TaskResult.objects.filter(task_id__in=erased).delete()
    return len(erased)
