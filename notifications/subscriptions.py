"""Registering and removing devices."""

from datetime import datetime

from django.db import transaction

from notifications.models import Preference, PushSubscription
from social.models import User


@transaction.atomic
def register(
    user: User, *, endpoint: str, p256dh: str, auth: str, name: str, now: datetime
) -> tuple[PushSubscription, bool]:
    """The subscription and whether it is new. Registering an endpoint again moves it to this user;
    the first device turns notifications on."""
    subscription, created = PushSubscription.objects.update_or_create(
        endpoint=endpoint,
        defaults={"user": user, "p256dh": p256dh, "auth": auth, "name": name},
        create_defaults={
            "user": user,
            "p256dh": p256dh,
            "auth": auth,
            "name": name,
            "created_at": now,
        },
    )
    Preference.objects.get_or_create(user=user)
    return subscription, created
