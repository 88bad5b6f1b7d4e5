"""Following and its opposite, blocking and muting; all idempotent.

Guarantee: nobody follows somebody who blocks them or whom they block. Everybody can be blocked and
muted, also by people whom they block; whether an account exists changes no answer.
"""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from events.errors import PermanentError
from social.models import CANARY_PREFIX, CLOSED_PREFIX, Block, Follow, Mute, Post, User

# By the primary key.
HOLD_ACTIVE = """
    SELECT id FROM social_user WHERE id = ANY(%s) AND is_active ORDER BY id FOR SHARE
"""


class RelationError(PermanentError):
    """The two people cannot stand in this relation."""


@transaction.atomic
def follow(follower: User, followee: User, *, now: datetime) -> None:
    """Raises RelationError for oneself, or where one of the two blocks the other, and
    User.DoesNotExist where the account of one is shut."""
    _refuse_oneself(follower, followee)
    _lock_pair(follower, followee)
    _hold_active(follower, followee)
    if Block.objects.filter(
        Q(blocker=follower, blocked=followee) | Q(blocker=followee, blocked=follower)
    ).exists():
        raise RelationError("One of you blocks the other.")
    Follow.objects.get_or_create(
        follower=follower,
        followee=followee,
        defaults={"created_at": now, "shown_from": lambda: _shown_from(followee)},
    )


def refuse_blocked(follower: User, followee: User) -> None:
    """Raises RelationError where the follower blocks the other, whom they do not see otherwise."""
    if Block.objects.filter(blocker=follower, blocked=followee).exists():
        raise RelationError("One of you blocks the other.")


@transaction.atomic
def unfollow(follower: User, followee: User) -> None:
    for row in Follow.objects.filter(follower=follower, followee=followee):
        row.delete()


@transaction.atomic
def block(blocker: User, blocked: User, *, now: datetime) -> None:
    """Ends the follows between the two, in both directions; of nobody's id it does nothing. Raises
    RelationError for oneself."""
    _refuse_oneself(blocker, blocked)
    if not _is_somebody(blocked):
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
    """Of nobody's id it does nothing. Raises RelationError for oneself."""
    _refuse_oneself(muter, muted)
    if _is_somebody(muted):
        Mute.objects.get_or_create(muter=muter, muted=muted, defaults={"created_at": now})


@transaction.atomic
def unmute(muter: User, muted: User) -> None:
    Mute.objects.filter(muter=muter, muted=muted).delete()


def _shown_from(author: User) -> int:
    """Which of the author's posts a new follower is shown: the latest few, and all that come.

    Kept with the follow, so that a timeline does not depend on when it is filled.
    """
    posts = Post.objects.filter(author=author, deleted_at=None).order_by("-id")
    first = settings.TIMELINE_BACKFILL_POSTS - 1
    return next(iter(posts.values_list("pk", flat=True)[first : first + 1]), 0)


def _is_somebody(user: User) -> bool:
    """Whether there is such an account; canaries and closed ones are nobody's."""
    found = User.objects.filter(pk=user.pk).exclude(username__startswith=CANARY_PREFIX)
    return found.exclude(username__startswith=CLOSED_PREFIX).exists()


def _refuse_oneself(one: User, other: User) -> None:
    if one.pk == other.pk:
        raise RelationError("You cannot do this to yourself.")


def _hold_active(one: User, other: User) -> None:
    """Keep both accounts from being shut until the transaction ends, since their follows are marked
    by that (see activity.py)."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_ACTIVE, [[one.pk, other.pk]])
        if len(cursor.fetchall()) < 2:
            raise User.DoesNotExist


def _lock_pair(one: User, other: User) -> None:
    """Until the transaction ends: a follow must see a block that is being made, or wait for it."""
    low, high = sorted((one.pk, other.pk))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"pair {low} {high}"]
        )
