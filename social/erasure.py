"""Removing what closed accounts have left behind, in batches that hold no lock for long.

Guarantee: each post is deleted with its event and its words are erased; no follow, block or mute of
the account is left. The row of the user stays, nameless, for posts and timelines point to it.
Subscribers that keep something about users remove it themselves, on user.closed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from events.turns import each_in_turn
from social.models import Closure, IdempotencyKey, Post

BATCH = 500
# By then no request that began before the account was closed is still writing, and subscribers have
# usually swept what they keep for each follower, whom they find by these follows. What is left is
# hidden, and goes with its partition.
SETTLED = timedelta(minutes=5)

# By the primary key, or by the index that holds the columns the other way round. Follows end
# without events of their own: user.closed says it, and a million of them would help nobody.
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
    """Erase every account that is closed, longest closed first. One that fails is tried again after
    the others, and again until it is erased: what the law demands is never given up."""
    waiting = Closure.objects.order_by(F("tried_at").asc(nulls_first=True), "closed_at")

    def try_one(user_id: int) -> None:
        Closure.objects.filter(user_id=user_id).update(tried_at=now)
        erase(user_id, now=now)

    each_in_turn(waiting.values_list("user_id", flat=True), try_one, what="erasing an account")


def erase(user_id: int, *, now: datetime, batch: int = BATCH) -> None:
    """Remove the posts; all else, and the closure itself, once nothing more can come. A post that
    somebody has locked is left for the next time."""
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
    """Uses the index social_post_by_author; returns how many posts."""
    left = _posts_left(user_id).order_by("-id")
    posts = list(left.select_for_update(skip_locked=True)[:batch])
    for post in posts:
        if post.deleted_at is None:
            post.deleted_at = now
            post.save(update_fields=["deleted_at"])
    Post.objects.filter(pk__in=[post.pk for post in posts]).update(content="")
    return len(posts)


def _posts_left(user_id: int) -> QuerySet[Post]:
    return Post.objects.filter(author_id=user_id).exclude(content="")


def _relation_statements() -> Iterator[str]:
    for table, one, other in RELATIONS:
        for mine in (one, other):
            yield ERASE_RELATIONS.format(table=table, columns=f"{one}, {other}", mine=mine)


def _execute(statement: str, parameters: list) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
