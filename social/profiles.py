"""What users say about themselves, and the language and time zone that they chose.

Guarantee: a closed account has no profile, not even one of a request that ran while it was closed.
"""

from collections.abc import Mapping

from django.db import transaction

from social.models import Profile, User


def of(user: User) -> Profile:
    """The user's profile; an empty one, which is not saved, if the user has never changed it."""
    return getattr(user, "profile", None) or Profile(user=user)


@transaction.atomic
def change(user: User, changes: Mapping[str, str]) -> Profile:
    """Change these fields. Raises User.DoesNotExist if the account is not active any more."""
    # Closing the account waits for this lock, and then deletes the profile.
    User.objects.select_for_update(no_key=True).get(pk=user.pk, is_active=True)
    profile, _ = Profile.objects.update_or_create(user=user, defaults=changes)
    profile.user = user  # So that it need not be read again.
    return profile
