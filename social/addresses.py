"""Mail addresses of accounts. An address becomes the account's once its owner follows the link in
the mail that we send to it.

Guarantee: an account never gets an address whose reader has not confirmed it. An address gets at
most one mail in ten minutes, however many accounts give it. The mail holds no text that a user has
chosen, not even a username.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import connection, transaction

from events.errors import PermanentError
from social.mails import send_waiting
from social.models import MailedAddress, NewAddress, User

# Shortest time between two mails to one address.
PAUSE = timedelta(minutes=10)
# How long a link is valid, and how long we keep an address that is not confirmed.
VALID_FOR = timedelta(days=1)
SALT = "social.addresses"

REQUEST = """
    INSERT INTO social_newaddress AS kept (user_id, email, requested_at)
    VALUES (%s, %s, %s)
    ON CONFLICT (user_id, email) DO UPDATE
    SET requested_at = excluded.requested_at, mailed_at = NULL
    WHERE kept.mailed_at < excluded.requested_at - %s
"""
TEXT = """\
Hello,

somebody, probably you, has given this address for an account. If it is yours, follow this link:

{link}

If it was not you, do nothing: the address will not be used.
"""


class AddressRefusedError(PermanentError):
    """The token is wrong, used or too old."""


def request(user: User, email: str, *, now: datetime) -> None:
    """Ask for this address to become the account's; `send_due` sends the mail. The account keeps
    its old address until the new one is confirmed."""
    with connection.cursor() as cursor:
        parameters: list[Any] = [user.pk, email, now, PAUSE]
        cursor.execute(REQUEST, parameters)


@transaction.atomic
def remove(user: User) -> None:
    """Remove the account's address, and any address that is not confirmed yet."""
    User.objects.filter(pk=user.pk).update(email="")
    NewAddress.objects.filter(user=user).delete()


def unconfirmed(user: User) -> str | None:
    """The address that the account was given last, if it is not confirmed yet."""
    rows = NewAddress.objects.filter(user=user).order_by("-requested_at")
    return rows.values_list("email", flat=True).first()


def send_due(*, now: datetime) -> None:
    """Send the pending mails. A mail that keeps failing is given up after a day."""
    NewAddress.objects.filter(requested_at__lt=now - VALID_FOR).delete()
    MailedAddress.objects.filter(mailed_at__lt=now - PAUSE).delete()

    def send(row: NewAddress) -> bool:
        # Write the row first: it limits the mails even if the sender dies after sending.
        mailed, free = MailedAddress.objects.get_or_create(
            digest=hashlib.sha256(row.email.lower().encode()).digest(), defaults={"mailed_at": now}
        )
        if not free:
            return False
        try:
            send_mail("Your mail address", TEXT.format(link=_link(row)), None, [row.email])
        except Exception:
            mailed.delete()
            raise
        return True

    send_waiting(NewAddress, send, now=now)


@transaction.atomic
def confirm(token: str) -> User:
    """Set the account's address to the one to which the token was mailed; returns the account.

    Raises AddressRefusedError.
    """
    try:
        user_id, email = signing.loads(token, salt=SALT, max_age=VALID_FOR)
    except signing.BadSignature as error:
        raise AddressRefusedError from error
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or not NewAddress.objects.filter(user=user, email=email).exists():
        raise AddressRefusedError
    user.email = email
    user.save(update_fields=["email"])
    NewAddress.objects.filter(user=user).delete()
    return user


def _link(row: NewAddress) -> str:
    token = signing.dumps([row.user_id, row.email], salt=SALT)
    return f"{settings.EMAIL_CONFIRM_URL}?{urlencode({'token': token})}"
