"""Setting a new password by mail.

Guarantee: asking does the same work whether or not the address is anybody's, so that neither the
answer nor its time tells; an address gets at most one mail in ten minutes. A token is good once and
for as long as PASSWORD_RESET_TIMEOUT says: it is made from the password that it replaces.
"""

import smtplib
from datetime import datetime, timedelta
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import connection, transaction

from events.errors import PermanentError
from social import accounts
from social.models import ForgottenPassword, User

PAUSE = timedelta(minutes=10)
# A mail that cannot be sent for so long is of no use to anybody.
GIVEN_UP = timedelta(hours=1)
BATCH = 100

REQUEST = """
    INSERT INTO social_forgottenpassword AS kept (email, requested_at)
    VALUES (lower(%s), %s)
    ON CONFLICT (email) DO UPDATE SET requested_at = excluded.requested_at, mailed_at = NULL
    WHERE kept.mailed_at < excluded.requested_at - %s
"""
TEXT = """\
Hello {username},

somebody, probably you, has asked to set a new password for your account. To do so, follow
{link}

If it was not you, do nothing: your password stays as it is.
"""

log = structlog.get_logger(__name__)


class ResetRefusedError(PermanentError):
    """The token is wrong, used or too old."""


def request(email: str, *, now: datetime) -> None:
    """Note that a mail is wanted; `send_due` sends it."""
    with connection.cursor() as cursor:
        cursor.execute(REQUEST, [email, now, PAUSE])


def send_due(*, now: datetime) -> int:
    """Send the mails that wait; returns how many. One that fails is tried again by the next call,
    and so may come twice, but is not lost."""
    ForgottenPassword.objects.filter(requested_at__lt=now - GIVEN_UP).delete()
    sent = 0
    for row in ForgottenPassword.objects.filter(mailed_at=None)[:BATCH]:
        try:
            for user in User.objects.filter(email__iexact=row.email, is_active=True):
                if user.has_usable_password():
                    _send(user)
                    sent += 1
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail not sent", error=type(error).__name__)
        else:
            ForgottenPassword.objects.filter(pk=row.pk).update(mailed_at=now)
    return sent


@transaction.atomic
def reset(user_id: int, token: str, password: str) -> User:
    """Set the password and revoke all tokens. Raises ResetRefusedError."""
    # Locked, so that of two requests with the same token the second finds it used.
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or not default_token_generator.check_token(user, token):
        raise ResetRefusedError
    accounts.change_password(user, password)
    return user


def _send(user: User) -> None:
    query = urlencode({"user_id": user.pk, "token": default_token_generator.make_token(user)})
    text = TEXT.format(username=user.username, link=f"{settings.PASSWORD_RESET_URL}?{query}")
    send_mail("Set a new password", text, from_email=None, recipient_list=[user.email])
