"""Mail addresses of accounts, which count once a mail to them was answered.

Guarantee: nobody's account is tied to an address that its owner does not read, and no address gets
more than one mail in ten minutes, however many accounts are given it. The mail holds no word that
somebody has chosen.
"""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import connection, transaction

from events.errors import PermanentError
from social.mails import send_waiting
from social.models import MailedAddress, NewAddress, User

PAUSE = timedelta(minutes=10)
# How long a link is good, and an address that waits for an answer is kept.
GOOD_FOR = timedelta(days=1)
SALT = "social.addresses"

WANT = """
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


def want(user: User, email: str, *, now: datetime) -> None:
    """Note that this is to be the account's address; `send_due` sends the mail. Until it is
    answered, the old address counts."""
    with connection.cursor() as cursor:
        cursor.execute(WANT, [user.pk, email, now, PAUSE])


@transaction.atomic
def remove(user: User) -> None:
    """The account has no address from now on, and waits for none."""
    User.objects.filter(pk=user.pk).update(email="")
    NewAddress.objects.filter(user=user).delete()


def waiting(user: User) -> str | None:
    """The address that the account was given last and that has not been answered, if any."""
    rows = NewAddress.objects.filter(user=user).order_by("-requested_at")
    return rows.values_list("email", flat=True).first()


def send_due(*, now: datetime) -> None:
    """Send the mails that wait. One that fails is given up after a day."""
    NewAddress.objects.filter(requested_at__lt=now - GOOD_FOR).delete()
    MailedAddress.objects.filter(mailed_at__lt=now - PAUSE).delete()

    def send(row: NewAddress) -> bool:
        # First, so that a sender that dies leaves it noted.
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
    """Make the address that the token was mailed to the account's. Raises AddressRefusedError."""
    try:
        user_id, email = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
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
