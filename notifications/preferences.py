"""What a user wants to be told, and by whom.

Without a row of their own nobody is told anything: a user who has never registered a device nor
changed a preference costs no post anything.
"""

from datetime import datetime

from notifications.models import Preference, SilencedAuthor
from social.models import User


def of(user: User) -> Preference:
    """The user's preferences, or the defaults that their first device will save: everything is
    pushed at once, at any hour."""
    return Preference.objects.filter(user=user).first() or Preference(user=user)


def lock(user: User) -> Preference:
    """The user's saved preferences, to be changed in the open transaction and by nobody else."""
    Preference.objects.get_or_create(user=user)
    return Preference.objects.select_for_update().get(user=user)


def silence(user: User, author: User, *, now: datetime) -> None:
    """Push none of the author's posts to the user. It outlasts unfollowing, as a mute does."""
    SilencedAuthor.objects.get_or_create(user=user, author=author, defaults={"created_at": now})


def unsilence(user: User, author: User) -> None:
    SilencedAuthor.objects.filter(user=user, author=author).delete()
