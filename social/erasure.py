"""Erase the data of closed accounts, in short batches that hold no lock for long.

Guarantee: every post is deleted, with its event, and its text is erased; no follow, block or mute
of the account remains. The user's row stays, without a name, because posts and timelines refer to
it. Subscribers that keep data about users remove it themselves, on user.closed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet

from events.turns import each_in_turn
from social.models import Closure, IdempotencyKey, Post

BATCH = 500
# Wait this long after closing before erasing relations. By then every request that began earlier
# has ended, and subscribers have usually removed what they keep per follower, whom they find by
# these follows. Rows that they have not removed are hidden, and are dropped with their partition.
SETTLED = timedelta(minutes=5)

# Uses the primary key, or the index that holds the two columns in the other order. There are no
# user.unfollowed events: user.closed implies them, and a million of them would help nobody.
ERASE_RELATIONS = """
    DELETE FROM {table} WHERE ({columns}) IN (
        SELECT {columns} FROM {table} WHERE {mine} = %s LIMIT %s
    )
"""
RELATIONS = (
    ("social_follow", "follower_id", "followee_id"),
    ("social_block", "blocker_id", "blocked_id"),
    ("social_mute", "muter_id", "muted_id"),
)


def erase_all(*, now: datetime) -> None:
    """Erase every closed account, longest closed first. An account that fails is retried after all
    others, without a limit: the law demands the erasure."""
    pending = Closure.objects.order_by(F("tried_at").asc(nulls_first=True), "closed_at")

    def try_one(user_id: int) -> None:
        Closure.objects.filter(user_id=user_id).update(tried_at=now)
        erase(user_id, now=now)

    each_in_turn(pending.values_list("user_id", flat=True), try_one, what="erasing an account")


def erase(user_id: int, *, now: datetime, batch: int = BATCH) -> None:
    """Erase the account's posts. Once SETTLED has passed and no post is left, erase its relations,
    its idempotency keys and the Closure row too. A post that another transaction has locked is
    erased by the next run."""
    while _erase_posts(user_id, now, batch):
        pass
    settled = Closure.objects.filter(user_id=user_id, closed_at__lt=now - SETTLED)
    if _posts_left(user_id).exists() or not settled.exists():
        return
    for statement in _relation_statements():
        while _execute(statement, [user_id, batch]) == batch:
            pass
    IdempotencyKey.objects.filter(user_id=user_id).delete()
    settled.delete()


@transaction.atomic
def _erase_posts(user_id: int, now: datetime, batch: int) -> int:
    """Delete and empty up to `batch` posts; returns how many.

    Uses the index social_post_by_author.
    """
    left = _posts_left(user_id).order_by("-id")
    posts = list(left.select_for_update(skip_locked=True)[:batch])
    for post in posts:
        if post.deleted_at is None:
            post.deleted_at = now
            post.save(update_fields=["deleted_at"])
    Post.objects.filter(pk__in=[post.pk for post in posts]).update(content="")
    return len(posts)


def _posts_left(user_id: int) -> QuerySet[Post]:
    """The account's posts whose text is not erased yet."""
    return Post.objects.filter(author_id=user_id).exclude(content="")


def _relation_statements() -> Iterator[str]:
    for table, one, other in RELATIONS:
        for mine in (one, other):
            yield ERASE_RELATIONS.format(table=table, columns=f"{one}, {other}", mine=mine)


def _execute(statement: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        changed: int = cursor.rowcount
        return changed
