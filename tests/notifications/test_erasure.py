import pytest

from events.registry import subscribers
from notifications import preferences
from notifications.models import Preference, PushSubscription, ReadMark, SilencedAuthor
from tests.bus import post_created, put, work_off
from tests.notifications.people import with_device

pytestmark = pytest.mark.django_db
NOTIFICATIONS = subscribers["notifications"]


def test_a_closed_account_leaves_no_device_preference_or_mark(broker, alice, bob, carol, now):
    for user in (bob, carol):
        with_device(user, now)
        ReadMark.objects.create(user=user, post_id=1)
    preferences.silence(bob, alice, now=now)
    preferences.silence(carol, bob, now=now)
    preferences.silence(carol, alice, now=now)
    closed = post_created(event_type="user.closed", data={"user_id": bob.pk})
    put(broker, NOTIFICATIONS.queue, closed)
    work_off(NOTIFICATIONS, 1)
    for model in (PushSubscription, Preference, ReadMark):
        assert model.objects.get().user == carol
    assert SilencedAuthor.objects.get().author == alice
