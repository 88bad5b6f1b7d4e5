"""What is done with an account: its owner enters it, changes the password, closes it; an operator
suspends, reactivates or closes it.

Guarantee: whoever knows an old password, or holds a token of another device, is out when the
password has been changed; a closed account is gone from every page at once.
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
    Token,
    User,
)


class PasswordChangedError(PermanentError):
    """The password that was checked is the account's no more."""


def normalized(name: str) -> str:
    """A username as it is stored, of one that somebody has typed."""
    name = name.strip()
    # Normalising takes time by the square of the length; what no name can be is left to be refused.
    return User.normalize_username(name).strip() if len(name) <= names.LONGEST else name


def visible_to(viewer: User) -> QuerySet[User]:
    """All accounts but canaries, those that are closed or suspended, and those of people whom a
    block parts from the viewer."""
    found = User.objects.filter(unblocked(viewer, "pk"), is_active=True)
    return found.exclude(username__startswith=CANARY_PREFIX)


@transaction.atomic
def enter(user: User, device: str) -> tuple[Token, str]:
    """A new token, its row and its text, for whoever has given the password of `user`.

    Raises PasswordChangedError.
    """
    _hold(user)
    return Token.objects.create(user=user, name=device)


@transaction.atomic
def change_password(user: User, password: str, *, keep: Token | None = None) -> None:
    """Set the password and end every log-in but that of `keep`. Raises PasswordChangedError."""
    hashed = make_password(password)
    _hold(user)
    user.password = hashed
    user.save(update_fields=["password"])
    user.end_logins(keep=keep)


def _hold(user: User) -> None:
    """Lock the account until the transaction ends, its password being that which `user` was read
    with: a change that commits later finds what this transaction has made, one that has committed
    before raises PasswordChangedError."""
    # Posts and follows of the account refer to its key, which stays: they need not wait.
    account = User.objects.select_for_update(no_key=True)
    if not account.filter(pk=user.pk, password=user.password).exists():
        raise PasswordChangedError


@transaction.atomic
def close(user: User, *, now: datetime) -> bool:
    """Nobody finds, reads or enters the account any more, and its name is free; erasure.py removes
    what it has left behind. False if it is closed already."""
    if not _not_closed(user).select_for_update().exists():
        return False
    user.is_active = user.is_staff = user.is_superuser = False
    _forget(user)
    # No username that can be registered holds a colon.
    user.username = f"{CLOSED_PREFIX}{user.pk}"
    user.email = user.first_name = user.last_name = ""
    user.set_unusable_password()
    user.save()
    Closure.objects.create(user=user, closed_at=now)
    outbox.record("user.closed", UserClosed(user_id=user.pk), now=now)
    return True


def _forget(user: User) -> None:
    """Name and mail address in other rows than the account's own."""
    IdempotencyKey.objects.filter(user=user).delete()
    ForgottenPassword.objects.filter(email=Lower(Value(user.email))).delete()
    # Operators' actions on the account, and on its tokens.
    own = Q(content_type__app_label="social", content_type__model="user", object_id=str(user.pk))
    token = Q(content_type__model="token", object_repr__endswith=f" : {user.username}")
    LogEntry.objects.filter(own | token).update(object_repr=f"user {user.pk}")


def suspend(user: User) -> bool:
    """Shut the account until it is reactivated: nobody sees it, and it is told of nothing. False if
    it is suspended or closed already."""
    return bool(_not_closed(user).filter(is_active=True).update(is_active=False))


def reactivate(user: User) -> bool:
    """Undo a suspension. False if the account is active, or closed, which cannot be undone."""
    return bool(_not_closed(user).filter(is_active=False).update(is_active=True))


def _not_closed(user: User) -> QuerySet[User]:
    return User.objects.filter(pk=user.pk).exclude(username__startswith=CLOSED_PREFIX)
