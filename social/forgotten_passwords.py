"""Password reset by mail.

Guarantee: a request does the same work whether or not an account has the address, so that neither
the answer nor its timing reveals it. An address gets at most one mail in ten minutes, however many
accounts it has. A token works once and for PASSWORD_RESET_TIMEOUT: it is derived from the password
hash that it replaces.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower

from events.errors import PermanentError
from social import accounts
from social.mails import send_waiting
from social.models import ForgottenPassword, User

# Shortest time between two mails to one address.
PAUSE = timedelta(minutes=10)
# A mail that could not be sent for an hour is given up: its reader does not wait that long.
GIVE_UP_AFTER = timedelta(hours=1)
# A mail lists at most this many accounts, the oldest ones, in case somebody has registered many
# more with another person's address.
ACCOUNTS = 5

REQUEST = """
    INSERT INTO social_forgottenpassword AS kept (email, requested_at)
    VALUES (lower(%s), %s)
    ON CONFLICT (email) DO UPDATE SET requested_at = excluded.requested_at, mailed_at = NULL
    WHERE kept.mailed_at < excluded.requested_at - %s
"""
TEXT = """\
Hello,

somebody, probably you, has asked to set a new password. To do so, follow the link of your account:

{links}

If it was not you, do nothing: your password stays as it is.
"""


class ResetRefusedError(PermanentError):
    """The token is wrong, used or too old."""


def request(email: str, *, now: datetime) -> None:
    """Request a mail to this address; `send_due` sends it if an account has the address."""
    with connection.cursor() as cursor:
        parameters: list[Any] = [email, now, PAUSE]
        cursor.execute(REQUEST, parameters)


def send_due(*, now: datetime) -> int:
    """Send the pending mails; returns how many. A mail that keeps failing is given up after
    GIVE_UP_AFTER."""
    ForgottenPassword.objects.filter(requested_at__lt=now - GIVE_UP_AFTER).delete()
    sent = 0

    def send(row: ForgottenPassword) -> bool:
        nonlocal sent
        sent += _send(row.email)
        return True

    send_waiting(ForgottenPassword, send, now=now)
    return sent


def _send(email: str) -> int:
    """Send the mail if an account has this address; returns the number of mails, 0 or 1."""
    users = _users_of(email)[:ACCOUNTS]
    if not users:
        return 0
    links = "\n\n".join(f"{_unlinked(user.username)}:\n{_link(user)}" for user in users)
    send_mail("Set a new password", TEXT.format(links=links), None, recipient_list=[email])
    return 1


@transaction.atomic
def reset(user_id: int, token: str, password: str) -> User:
    """Set the password and revoke all tokens; returns the account.

    Raises ResetRefusedError, and Django's ValidationError for a password that is too simple.
    """
    # The lock serialises two requests with the same token: the second one finds it used.
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or not default_token_generator.check_token(user, token):
        raise ResetRefusedError
    validate_password(password, user)
    accounts.change_password(user, password)
    return user


def _users_of(email: str) -> QuerySet[User]:
    """The active accounts of an address (lower case) that have a password, oldest first."""
    # The index holds upper case, in which i with and without a dot are the same letter. Addresses
    # that differ in it may belong to two people, so compare the lower case as well.
    found = User.objects.filter(email__iexact=email, is_active=True).alias(lower=Lower("email"))
    found = found.filter(lower=email).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return found.order_by("pk")


def _unlinked(name: str) -> str:
    """The name in a form that mail programs do not turn into a link: somebody may register as
    www.example.com."""
    return name.replace(".", "[.]").replace("@", "[@]")


def _link(user: User) -> str:
    query = urlencode({"user_id": user.pk, "token": default_token_generator.make_token(user)})
    return f"{settings.PASSWORD_RESET_URL}?{query}"
