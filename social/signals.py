"""Record an event whenever a post, follow or block is saved or deleted.

Guarantee: the event is recorded in the transaction that saves the model, and saving outside a
transaction fails, so that no post exists without its event.
Next on the way of a post: events/outbox.py.
"""

import msgspec
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from events import outbox
from social import event_types
from social.models import Block, Follow, Post


def connect() -> None:
    post_save.connect(on_post_saved, sender=Post)
    post_save.connect(on_follow_saved, sender=Follow)
    post_delete.connect(on_follow_deleted, sender=Follow)
    post_save.connect(on_block_saved, sender=Block)


def on_post_saved(instance: Post, created: bool, raw: bool, **_: object) -> None:
    if raw:
        return
    post = instance
    ids = {"post_id": post.pk, "author_id": post.author_id}
    data: msgspec.Struct
    if created:
        data = event_types.PostCreated(**ids, content=post.content, created_at=post.created_at)
        outbox.record("post.created", data, now=post.created_at)
    elif post.deleted_at:
        data = event_types.PostDeleted(**ids, deleted_at=post.deleted_at)
        outbox.record("post.deleted", data, now=post.deleted_at)
    elif post.edited_at:
        data = event_types.PostEdited(**ids, content=post.content, edited_at=post.edited_at)
        outbox.record("post.edited", data, now=post.edited_at)


def on_follow_saved(instance: Follow, created: bool, raw: bool, **_: object) -> None:
    if created and not raw:
        _record_follow("user.followed", instance)


def on_follow_deleted(instance: Follow, **_: object) -> None:
    _record_follow("user.unfollowed", instance)


def on_block_saved(instance: Block, created: bool, raw: bool, **_: object) -> None:
    if created and not raw:
        data = event_types.UserBlocked(
            blocker_id=instance.blocker_id, blocked_id=instance.blocked_id
        )
        outbox.record("user.blocked", data, now=timezone.now())


def _record_follow(name: str, follow: Follow) -> None:
    data = event_types.FollowChanged(follower_id=follow.follower_id, followee_id=follow.followee_id)
    outbox.record(name, data, now=timezone.now())
