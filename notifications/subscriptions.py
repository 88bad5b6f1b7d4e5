"""Devices: registering them, naming them, and trying whether pushes reach them.

Guarantee: an endpoint belongs to one user and to one log-in of theirs, and what was meant for its
former user does not reach the device any more. No device is registered by a log-in that has ended.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from notifications import preferences
from notifications.models import WEB_PUSH, PushSubscription
from social import pruning
from social.models import CANARY_PREFIX, Token, User

# Each post costs a push a device.
MAX_DEVICES = 16
BETWEEN_TESTS = timedelta(seconds=10)
# How long a device outlives a log-in that has expired.
UNUSED = timedelta(days=180)
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class TooManyDevicesError(Exception):
    """A user has at most 16 devices; remove one first."""


class LoggedOutError(Exception):
    """The log-in that registers the device has just ended."""


class TestedError(Exception):
    """A device is tested at most every 10 seconds."""

    def __str__(self) -> str:
        return self.__doc__


class ReservedError(ValueError):
    """This token is reserved."""

    def __str__(self) -> str:
        return self.__doc__


@transaction.atomic
def register(
    user: User,
    *,
    endpoint: str,
    transport: str = WEB_PUSH,
    p256dh: str = "",
    auth: str = "",
    application_server_key: str = "",
    name: str,
    wishes: Mapping[str, object] | None = None,
    other_spelling: str = "",
    token: Token | None = None,
    session: str | None = None,
    now: datetime,
) -> tuple[PushSubscription, bool]:
    """The subscription and whether it is new to this user, to whom it moves, and to the log-in of
    `token` or `session` (see logins.py); the first device turns notifications on. A device under
    another spelling of the endpoint, which is from before there was only one, becomes this one.
    Raises TooManyDevicesError, LoggedOutError, and ReservedError for a name of the canary's."""
    if endpoint.startswith(CANARY_PREFIX):
        raise ReservedError
    # First of all: who revokes the token holds it, and then removes its devices.
    if token and not Token.objects.select_for_update(no_key=True).filter(pk=token.pk).exists():
        raise LoggedOutError
    # Of two users who register an endpoint at once, the second one finds the first one's device. Of
    # two registrations of one user, the second one counts it.
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [f"endpoint {transport} {endpoint}"])
    preferences.lock(user)
    at_transport = PushSubscription.objects.filter(transport=transport)
    if other_spelling:
        at_transport.filter(endpoint=other_spelling).delete()
    own = at_transport.filter(endpoint=endpoint)
    if user.push_subscriptions.exclude(pk__in=own).count() >= MAX_DEVICES:
        raise TooManyDevicesError
    # A device that moves gets a new id: pushes under way to the former user's are not for this one.
    own.exclude(user=user).delete()
    values = {"user": user, "p256dh": p256dh, "auth": auth, "name": name, "wishes": wishes or {}}
    values |= {"token": token, "session": session, "used_at": now}
    values["application_server_key"] = application_server_key
    return PushSubscription.objects.update_or_create(
        transport=transport,
        endpoint=endpoint,
        defaults=values,
        create_defaults=values | {"created_at": now},
    )


def rename(subscription: PushSubscription, name: str) -> None:
    subscription.name = name
    PushSubscription.objects.filter(pk=subscription.pk).update(name=name)


def begin_test(subscription: PushSubscription, *, now: datetime) -> None:
    """Note that a test push is to be sent. Raises TestedError for one too soon after the last."""
    rested = Q(tested_at=None) | Q(tested_at__lte=now - BETWEEN_TESTS)
    if not PushSubscription.objects.filter(rested, pk=subscription.pk).update(
        tested_at=now, test=PushSubscription.Test.WAITING
    ):
        raise TestedError


def prune(*, now: datetime) -> int:
    """Remove devices whose log-in has expired, or was never known, and that nobody has used since;
    returns how many. Uses the index notifications_device_unused."""
    return pruning.prune(PushSubscription.objects.filter(token=None, used_at__lt=now - UNUSED))


def made_with_other_keys(key: str) -> bool:
    """True if there are Web Push subscriptions that were made with another VAPID key than this.
    Two looks at the index notifications_subscription_key."""
    own = PushSubscription.objects.exclude(application_server_key="")
    return any(
        own.filter(**{f"application_server_key__{side}": key}).exists() for side in ("lt", "gt")
    )
