"""Follow, block and mute, and their opposites. All of them are idempotent.

Guarantee: while one of two people blocks the other, neither follows the other. Anybody can be
blocked or muted, also by people whom they block. The answer to a block or mute does not reveal
whether the account exists.
"""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from events.errors import PermanentError
from social.models import CANARY_PREFIX, CLOSED_PREFIX, Block, Follow, Mute, Post, User

# Uses the primary key.
LOCK_ACTIVE = """
    SELECT id FROM social_user WHERE id = ANY(%s) AND is_active ORDER BY id FOR SHARE
"""


class RelationError(PermanentError):
    """This relation between the two people is not allowed."""


@transaction.atomic
def follow(follower: User, followee: User, *, now: datetime) -> None:
    """Make `follower` follow `followee`.

    Raises RelationError if both are the same person or one blocks the other, and User.DoesNotExist
    if one of the accounts is not active.
    """
    _refuse_oneself(follower, followee)
    _lock_pair(follower, followee)
    _lock_active(follower, followee)
    if Block.objects.filter(
        Q(blocker=follower, blocked=followee) | Q(blocker=followee, blocked=follower)
    ).exists():
        raise RelationError("One of you blocks the other.")
    Follow.objects.get_or_create(
        follower=follower,
        followee=followee,
        # Django calls the lambda if it creates the row.
        defaults={"created_at": now, "shown_from": lambda: _shown_from(followee)},  # type: ignore[misc]
    )


def refuse_blocked(follower: User, followee: User) -> None:
    """Raise RelationError if the follower blocks the followee, whose profile would otherwise just
    not be found."""
    if Block.objects.filter(blocker=follower, blocked=followee).exists():
        raise RelationError("One of you blocks the other.")


@transaction.atomic
def unfollow(follower: User, followee: User) -> None:
    for row in Follow.objects.filter(follower=follower, followee=followee):
        row.delete()


@transaction.atomic
def block(blocker: User, blocked: User, *, now: datetime) -> None:
    """Block a user and end the follows between the two, in both directions. Does nothing if no such
    account exists. Raises RelationError if both are the same person."""
    _refuse_oneself(blocker, blocked)
    if not _exists(blocked):
        return
    _lock_pair(blocker, blocked)
    Block.objects.get_or_create(blocker=blocker, blocked=blocked, defaults={"created_at": now})
    unfollow(blocker, blocked)
    unfollow(blocked, blocker)


@transaction.atomic
def unblock(blocker: User, blocked: User) -> None:
    Block.objects.filter(blocker=blocker, blocked=blocked).delete()


@transaction.atomic
def mute(muter: User, muted: User, *, now: datetime) -> None:
    """Mute a user. Does nothing if no such account exists. Raises RelationError for oneself."""
    _refuse_oneself(muter, muted)
    if _exists(muted):
        Mute.objects.get_or_create(muter=muter, muted=muted, defaults={"created_at": now})


@transaction.atomic
def unmute(muter: User, muted: User) -> None:
    Mute.objects.filter(muter=muter, muted=muted).delete()


def _shown_from(author: User) -> int:
    """The oldest post of the author that a new follower sees: the latest few and all future posts.

    It is stored in the follow, so that a timeline does not depend on when it is filled.
    """
    posts = Post.objects.filter(author=author, deleted_at=None).order_by("-id")
    first = settings.TIMELINE_BACKFILL_POSTS - 1
    return next(iter(posts.values_list("pk", flat=True)[first : first + 1]), 0)


def _exists(user: User) -> bool:
    """Whether the account exists and is neither a canary nor closed."""
    found = User.objects.filter(pk=user.pk).exclude(username__startswith=CANARY_PREFIX)
    return found.exclude(username__startswith=CLOSED_PREFIX).exists()


def _refuse_oneself(one: User, other: User) -> None:
    if one.pk == other.pk:
        raise RelationError("You cannot do this to yourself.")


def _lock_active(one: User, other: User) -> None:
    """Prevent both accounts from being closed or suspended until the transaction ends: that updates
    their follows, and would miss a new one (see activity.py). Raises User.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_ACTIVE, [[one.pk, other.pk]])
        if len(cursor.fetchall()) < 2:
            raise User.DoesNotExist


def _lock_pair(one: User, other: User) -> None:
    """Lock the pair until the transaction ends, so that a follow waits for a block of the same pair
    that is not committed yet, and then sees it."""
    low, high = sorted((one.pk, other.pk))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"pair {low} {high}"]
        )
