"""The log-in to which a device belongs: the token, or the web session, that registered it last.

Guarantee: when a log-in ends, in whatever way, its devices are removed in the same transaction. For
a deleted token the database does that. A log-in that only expires keeps its devices. When all
log-ins of a user are ended, devices whose log-in is unknown are removed as well.
"""

import secrets
from collections.abc import Sequence

from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.http import HttpRequest

from notifications.models import PushSubscription
from social.models import Token, User, logins_ended
from social.tokens import tokens_expired

# The name is kept in the session's data, because the session's key changes during a log-in.
SESSION_KEY = "notifications.login"

# Detaches devices from expired tokens, and saves on each device when its token was last used.
# Uses the index notifications_device_token.
EXPIRE = """
    UPDATE notifications_pushsubscription device
    SET token_id = NULL, used_at = greatest(device.used_at, token.last_used_at)
    FROM social_token token
    WHERE token.number = ANY(%s) AND device.token_id = token.number
"""


def connect() -> None:
    logins_ended.connect(on_logins_ended)
    tokens_expired.connect(on_tokens_expired)
    user_logged_out.connect(on_session_ended)


def session_name(session: SessionBase) -> str:
    """The random name (32 characters) of a web session's log-in, for subscriptions.register()."""
    name: str = session.setdefault(SESSION_KEY, secrets.token_hex(16))
    return name


def on_logins_ended(user: User, keep: Token | None, **_: object) -> None:
    devices = PushSubscription.objects.filter(user=user)
    (devices.exclude(token=keep) if keep else devices).delete()


def on_tokens_expired(numbers: Sequence[int], **_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EXPIRE, [list(numbers)])


def on_session_ended(request: HttpRequest, **_: object) -> None:
    if name := request.session.get(SESSION_KEY):
        PushSubscription.objects.filter(session=name).delete()
