"""Erases the data of closed accounts.

Guarantee: no device, preference or read mark of the account remains. Its notifications are dropped
with their partitions; until then nobody can read them.
"""

from collections.abc import Collection

from django.db.models import Q

from notifications.models import Preference, PushSubscription, ReadMark, SilencedAuthor


def erase(user_ids: Collection[int]) -> None:
    for model in (PushSubscription, Preference, ReadMark):
        model.objects.filter(user__in=user_ids).delete()
    SilencedAuthor.objects.filter(Q(user__in=user_ids) | Q(author__in=user_ids)).delete()
