"""Operations on an account: the owner logs in, changes the password or closes the account; an
operator suspends, reactivates or closes it.

Guarantee: after a password change neither the old password nor another device's token works; a
closed account disappears from every page at once.
"""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from events import outbox
from events.errors import PermanentError
from social import names
from social.blocks import unblocked
from social.event_types import UserClosed
from social.models import (
    CANARY_PREFIX,
    CLOSED_PREFIX,
    Closure,
    ForgottenPassword,
    IdempotencyKey,
    Profile,
    Token,
    User,
)


class PasswordChangedError(PermanentError):
    """The account's password was changed after we checked it."""


def normalized(name: str) -> str:
    """The stored form of a username that somebody has typed."""
    name = name.strip()
    # Normalising takes quadratic time. A longer name stays as it is: validation rejects it.
    return User.normalize_username(name).strip() if len(name) <= names.LONGEST else name


def visible_to(viewer: User) -> QuerySet[User]:
    """The accounts that `viewer` may see: no canaries, no closed or suspended accounts, and nobody
    who blocks the viewer or whom the viewer blocks."""
    found = User.objects.filter(unblocked(viewer, "pk"), is_active=True)
    return found.exclude(username__startswith=CANARY_PREFIX)


@transaction.atomic
def log_in(user: User, device: str) -> tuple[Token, str]:
    """Create a token for a caller who has given the password of `user`; returns its row and text.

    Raises PasswordChangedError.
    """
    _lock(user)
    # knox's manager returns a pair, and has no types.
    created: tuple[Token, str] = Token.objects.create(user=user, name=device)  # type: ignore[no-untyped-call]
    return created


@transaction.atomic
def change_password(user: User, password: str, *, keep: Token | None = None) -> None:
    """Set the password and end every log-in except the one with the token `keep`.

    Raises PasswordChangedError.
    """
    hashed = make_password(password)
    _lock(user)
    user.password = hashed
    user.save(update_fields=["password"])
    user.end_logins(keep=keep)


def _lock(user: User) -> None:
    """Lock the account's row until the transaction ends, so that a password change waits for this
    transaction and sees its rows. Raises PasswordChangedError if the password has changed since
    `user` was read."""
    # no_key: the account's key does not change, so new posts and follows of it need not wait.
    account = User.objects.select_for_update(no_key=True)
    if not account.filter(pk=user.pk, password=user.password).exists():
        raise PasswordChangedError


@transaction.atomic
def close(user: User, *, now: datetime) -> bool:
    """Close the account: nobody can find it, read it or log in to it, and its name is free again.
    erasure.py removes its data later. Returns False if it is closed already."""
    if not _not_closed(user).select_for_update().exists():
        return False
    user.is_active = user.is_staff = user.is_superuser = False
    _erase_identity(user)
    # A username that can be registered holds no colon, so this name cannot be taken.
    user.username = f"{CLOSED_PREFIX}{user.pk}"
    user.email = user.first_name = user.last_name = ""
    user.set_unusable_password()
    user.save()
    Closure.objects.create(user=user, closed_at=now)
    outbox.record("user.closed", UserClosed(user_id=user.pk), now=now)
    return True


def _erase_identity(user: User) -> None:
    """Remove the account's name, profile and mail address from rows of other tables."""
    Profile.objects.filter(user=user).delete()
    IdempotencyKey.objects.filter(user=user).delete()
    ForgottenPassword.objects.filter(email=Lower(Value(user.email))).delete()
    # The admin's log of operators' actions on the account and on its tokens.
    own = Q(content_type__app_label="social", content_type__model="user", object_id=str(user.pk))
    token = Q(content_type__model="token", object_repr__endswith=f" : {user.username}")
    LogEntry.objects.filter(own | token).update(object_repr=f"user {user.pk}")


def suspend(user: User) -> bool:
    """Suspend the account: nobody sees it and it gets no notifications until it is reactivated.
    Returns False if it is suspended or closed already."""
    return bool(_not_closed(user).filter(is_active=True).update(is_active=False))


def reactivate(user: User) -> bool:
    """Undo a suspension. Returns False if the account is active, or closed for good."""
    return bool(_not_closed(user).filter(is_active=False).update(is_active=True))


def _not_closed(user: User) -> QuerySet[User]:
    return User.objects.filter(pk=user.pk).exclude(username__startswith=CLOSED_PREFIX)
