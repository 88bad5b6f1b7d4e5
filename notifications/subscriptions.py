"""Devices: registering, renaming, testing and pruning them.

Guarantee: an endpoint belongs to one user, and to one log-in of that user. After it has moved to
another user, pushes for the former user no longer reach the device. A log-in that has ended cannot
register a device.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from notifications import preferences
from notifications.models import WEB_PUSH, PushSubscription
from social import pruning
from social.models import CANARY_PREFIX, Token, User

# Limits the cost of a post: each of its followers' devices gets a push.
MAX_DEVICES = 16
TEST_INTERVAL = timedelta(seconds=10)
# How long a device without a log-in is kept after its last use.
KEEP_UNUSED = timedelta(days=180)
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class TooManyDevicesError(Exception):
    """A user has at most 16 devices; remove one first."""


class LoggedOutError(Exception):
    """The log-in that registers the device has just ended."""


class TestedError(Exception):
    """A device is tested at most every 10 seconds."""

    def __str__(self) -> str:
        return self.__doc__ or ""


class ReservedError(ValueError):
    """This token is reserved."""

    def __str__(self) -> str:
        return self.__doc__ or ""


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
    """Register a device for the user and for the log-in of `token` or `session` (see logins.py).
    Returns the subscription and whether it is new to this user. A device of another user moves to
    this one. The first device turns notifications on. `other_spelling` is the endpoint as the
    client wrote it: a device that was stored under it, before endpoints had one spelling, is
    replaced. Raises TooManyDevicesError, LoggedOutError, and ReservedError for a token of the
    canary's."""
    if endpoint.startswith(CANARY_PREFIX):
        raise ReservedError
    # Lock the token first: revoking it locks it as well, and then removes its devices.
    if token and not Token.objects.select_for_update(no_key=True).filter(pk=token.pk).exists():
        raise LoggedOutError
    # Lock the endpoint and then the user. So of two users who register an endpoint at once, the
    # second one sees the device of the first; of two registrations of one user, the second one
    # counts the device of the first.
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [f"endpoint {transport} {endpoint}"])
    preferences.lock(user)
    at_transport = PushSubscription.objects.filter(transport=transport)
    if other_spelling:
        at_transport.filter(endpoint=other_spelling).delete()
    own = at_transport.filter(endpoint=endpoint)
    if user.push_subscriptions.exclude(pk__in=own).count() >= MAX_DEVICES:
        raise TooManyDevicesError
    # A device that moves gets a new id, so that pushes in flight for its former user miss it.
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
    """Record that a test push is waiting. Raises TestedError if the last test was too recent."""
    due = Q(tested_at=None) | Q(tested_at__lte=now - TEST_INTERVAL)
    if not PushSubscription.objects.filter(due, pk=subscription.pk).update(
        tested_at=now, test=PushSubscription.Test.WAITING
    ):
        raise TestedError


def prune(*, now: datetime) -> int:
    """Remove devices whose log-in has expired or is unknown, and whose last use was KEEP_UNUSED
    ago. Returns how many. Uses the index notifications_device_unused."""
    return pruning.prune(PushSubscription.objects.filter(token=None, used_at__lt=now - KEEP_UNUSED))


def made_with_other_keys(key: str) -> bool:
    """True if there are Web Push subscriptions that were made with another VAPID key than `key`.
    Uses the index notifications_subscription_key, with two probes."""
    own = PushSubscription.objects.exclude(application_server_key="")
    return any(
        own.filter(**{f"application_server_key__{side}": key}).exists() for side in ("lt", "gt")
    )
