"""Erasing closed accounts wherever something about them is kept. Timeline rows and notifications,
which are ids alone, leave with their partitions."""

from datetime import datetime

from notifications.models import Preference, PushSubscription
from social import erasure


def erase_accounts(*, now: datetime) -> None:
    for user_id in erasure.waiting():
        PushSubscription.objects.filter(user_id=user_id).delete()
        Preference.objects.filter(user_id=user_id).delete()
        erasure.erase(user_id, now=now)
