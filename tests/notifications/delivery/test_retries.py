from datetime import datetime, time
from uuid import uuid4

import pytest

from fanout.slices import END, Slice
from notifications import preferences
from notifications.delivery import pushing
from notifications.models import Delivery, Preference
from social.models import User

pytestmark = pytest.mark.django_db


def silence(bob: User, alice: User, now: datetime) -> None:
    preferences.silence(bob, alice, now=now)


def begin_quiet_hours(bob: User, alice: User, now: datetime) -> None:
    hours = {"quiet_from": time(now.hour), "quiet_until": time(now.hour + 1)}
    Preference.objects.filter(user=bob).update(**hours)


@pytest.mark.parametrize(
    ("change", "reason"), [(silence, "author"), (begin_quiet_hours, "quiet hours")]
)
def test_a_push_that_a_preference_now_suppresses_is_not_retried(
    alice, bob, post, device, service, now, change, reason
):
    service.answer(device.token, 500, first=1)
    (outcome,) = pushing.push_slices([Slice(post.pk, 0, END)], task=uuid4(), clock=lambda: now)
    change(bob, alice, now)
    later = outcome.due_at
    assert pushing.push_again([outcome.retry], task=uuid4(), clock=lambda: later) == []
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.due_at) == ("held", reason, None)
    assert len(service.receipts) == 1
