"""Writing, changing and deleting posts; each saves in one transaction with its event.

The way of a post begins here; next: social/signals.py.
"""

from datetime import datetime

from django.db import transaction

from social.models import Post, User


@transaction.atomic
def publish(author: User, content: str, *, now: datetime) -> Post:
    """The new post, saved together with its `post.created` event (see signals.py)."""
    return Post.objects.create(author=author, content=content, created_at=now)


@transaction.atomic
def delete(post: Post, *, now: datetime) -> None:
    """Hide the post from every reader at once; its timeline rows are removed later."""
    if Post.objects.filter(pk=post.pk, deleted_at=None).select_for_update().exists():
        post.deleted_at = now
        post.save(update_fields=["deleted_at"])
