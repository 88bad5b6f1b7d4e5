"""Publish, edit and delete posts, each in one transaction with its event.

The way of a post begins here; next: social/signals.py.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from events import metrics
from events.errors import NotYetError
from events.failpoints import failpoint
from social.blocks import unblocked
from social.models import CANARY_PREFIX, Post, User

log = structlog.get_logger(__name__)

before_commit = failpoint(__name__, "before_commit")

# Two subscribers run this for every post. The ORM would take as long to build the statement as
# PostgreSQL takes to answer it.
LIVE = "SELECT id, deleted_at IS NULL FROM social_post WHERE id = ANY(%s)"


@transaction.atomic
def publish(author: User, content: str, *, now: datetime) -> Post:
    """Save a new post together with its `post.created` event (see signals.py)."""
    post = Post.objects.create(author=author, content=content, created_at=now)
    before_commit()
    return post


def visible_to(viewer: User) -> QuerySet[Post]:
    """The posts that `viewer` may see, with their authors: no deleted posts, and none by canaries,
    by closed or suspended accounts, or by people who block the viewer or whom the viewer blocks."""
    posts = Post.objects.filter(
        unblocked(viewer, "author"), deleted_at=None, author__is_active=True
    )
    seen = posts.exclude(author__username__startswith=CANARY_PREFIX)
    return seen.select_related("author")


def by(author: User) -> QuerySet[Post]:
    """The author's posts that are not deleted. Uses the index social_post_by_author."""
    return Post.objects.filter(author=author, deleted_at=None).select_related("author")


def live(post_ids: Iterable[int]) -> set[int]:
    """The ids of the posts that are not deleted.

    Raises NotYetError if a post has no row. Deleted posts keep their rows, so a missing row means
    that the transaction which inserts it is not visible yet.
    """
    wanted = set(post_ids)
    with connection.cursor() as cursor:
        cursor.execute(LIVE, [list(wanted)])
        states = dict(cursor.fetchall())
    if absent := wanted - states.keys():
        raise NotYetError(f"posts that are not visible yet: {sorted(absent)}")
    found = {pk for pk, is_live in states.items() if is_live}
    if len(found) < len(wanted):
        count = len(wanted) - len(found)
        log.info("deleted posts skipped", count=count)
        metrics.SKIPPED.labels("deleted post").inc(count)
    return found


def any_deleted(subjects: Iterable[str]) -> bool:
    """Whether any of the subjects, such as "post_id:5", names a deleted post."""
    found = [subject.removeprefix("post_id:") for subject in subjects if subject[:8] == "post_id:"]
    ids = [int(digits) for digits in found if digits.isdigit() and len(digits) < 19]
    return bool(ids) and Post.objects.filter(pk__in=ids).exclude(deleted_at=None).exists()


@transaction.atomic
def edit(post: Post, content: str, *, now: datetime) -> Post:
    """Change the post's content; returns the saved post. Records no event if the content is the
    same. Raises Post.DoesNotExist if the post has been deleted."""
    posts = Post.objects.select_related("author").select_for_update(of=["self"])
    current = posts.get(pk=post.pk, deleted_at=None)
    if current.content != content:
        current.content = content
        current.edited_at = now
        current.save(update_fields=["content", "edited_at"])
    return current


@transaction.atomic
def delete(post: Post, *, now: datetime) -> None:
    """Delete the post: every reader stops seeing it at once, and its text is erased. Its timeline
    rows are removed later."""
    if Post.objects.filter(pk=post.pk, deleted_at=None).select_for_update().exists():
        post.deleted_at = now
        post.save(update_fields=["deleted_at"])
