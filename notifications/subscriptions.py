"""Devices: registering them, naming them, and trying whether pushes reach them.

Guarantee: an endpoint belongs to one user, and what was meant for its former user does not reach
the device any more.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from notifications import preferences
from notifications.models import WEB_PUSH, PushSubscription
from social.models import User

# Each post costs a push a device.
MAX_DEVICES = 16
BETWEEN_TESTS = timedelta(seconds=10)
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class TooManyDevicesError(Exception):
    """A user has at most 16 devices; remove one first."""


class TestedError(Exception):
    """A device is tested at most every 10 seconds."""

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
    now: datetime,
) -> tuple[PushSubscription, bool]:
    """The subscription and whether it is new to this user, to whom it moves; the first device
    turns notifications on. Raises TooManyDevicesError."""
    # Of two users who register an endpoint at once, the second one finds the first one's device. Of
    # two registrations of one user, the second one counts it.
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [f"endpoint {endpoint}"])
    preferences.lock(user)
    if user.push_subscriptions.exclude(endpoint=endpoint).count() >= MAX_DEVICES:
        raise TooManyDevicesError
    # A device that moves gets a new id: pushes under way to the former user's are not for this one.
    PushSubscription.objects.filter(endpoint=endpoint).exclude(user=user).delete()
    values = {"user": user, "transport": transport, "p256dh": p256dh, "auth": auth, "name": name}
    values["application_server_key"] = application_server_key
    return PushSubscription.objects.update_or_create(
        endpoint=endpoint, defaults=values, create_defaults=values | {"created_at": now}
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


def made_with_other_keys(key: str) -> bool:
    """True if there are Web Push subscriptions that were made with another VAPID key than this.
    Two looks at the index notifications_subscription_key."""
    own = PushSubscription.objects.exclude(application_server_key="")
    return any(
        own.filter(**{f"application_server_key__{side}": key}).exists() for side in ("lt", "gt")
    )
