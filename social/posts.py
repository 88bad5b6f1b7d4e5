"""Writing, changing and deleting posts; each saves in one transaction with its event.

The way of a post begins here; next: social/signals.py.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from events.errors import NotYetError
from events.failpoints import failpoint
from social.models import Post, User

before_commit = failpoint("posts.before_commit")


@transaction.atomic
def publish(author: User, content: str, *, now: datetime) -> Post:
    """The new post, saved together with its `post.created` event (see signals.py)."""
    post = Post.objects.create(author=author, content=content, created_at=now)
    before_commit()
    return post


def live(post_ids: Iterable[int]) -> set[int]:
    """Those of the posts that are not deleted. Raises NotYetError where one is not visible yet:
    posts are soft-deleted, so that an absent row means this."""
    wanted = set(post_ids)
    states = dict(Post.objects.filter(pk__in=wanted).values_list("pk", "deleted_at"))
    if absent := wanted - states.keys():
        raise NotYetError(f"posts that are not visible yet: {sorted(absent)}")
    return {pk for pk, deleted_at in states.items() if deleted_at is None}


@transaction.atomic
def delete(post: Post, *, now: datetime) -> None:
    """Hide the post from every reader at once; its timeline rows are removed later."""
    if Post.objects.filter(pk=post.pk, deleted_at=None).select_for_update().exists():
        post.deleted_at = now
        post.save(update_fields=["deleted_at"])
