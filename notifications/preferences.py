"""A user's preferences: which posts are pushed, and when.

A user without a row gets no notifications. So users who never registered a device or changed a
preference add no work to a post.
"""

from collections.abc import Collection
from datetime import datetime

from notifications.models import Preference, SilencedAuthor
from social import profiles
from social.models import User


def of(user: User) -> Preference:
    """The user's preferences, or the defaults, which their first device will save: every post is
    pushed at once, at any hour."""
    saved = Preference.objects.filter(user=user).first()
    return saved or Preference(user=user, time_zone=_time_zone(user))


def lock(user: User) -> Preference:
    """The user's preferences, saved if they were not, and locked until the transaction ends."""
    # The time zone is read only if there is no row yet.
    Preference.objects.get_or_create(
        user=user,
        defaults={"time_zone": lambda: _time_zone(user)},  # type: ignore[misc]  # Django calls it.
    )
    return Preference.objects.select_for_update().get(user=user)


def _time_zone(user: User) -> str:
    """The time zone of a new row: the one that the account has now."""
    return profiles.of(user).time_zone


def silence(user: User, author: User, *, now: datetime) -> None:
    """Push none of the author's posts to the user. Like a mute, this outlasts unfollowing."""
    SilencedAuthor.objects.get_or_create(user=user, author=author, defaults={"created_at": now})


def silenced_among(user_id: int, author_ids: Collection[int]) -> set[int]:
    """Those of these authors whose posts are not pushed to the user. Uses the primary key."""
    rows = SilencedAuthor.objects.filter(user=user_id, author__in=author_ids)
    return set(rows.values_list("author_id", flat=True))


def unsilence(user: User, author: User) -> None:
    SilencedAuthor.objects.filter(user=user, author=author).delete()
