import pytest
from django.utils import timezone

from notifications import subscriptions
from notifications.models import Preference, PushSubscription
from notifications.subscriptions import MAX_DEVICES, TooManyDevicesError
from tests.at_once import at_once
from tests.conftest import make_user
from tests.notifications.people import FCM, with_device


@pytest.mark.django_db
def test_an_endpoint_that_moves_is_a_new_device(bob, carol, now):
    """So pushes in flight for its former user, which name the old device, do not reach it."""
    with_device(bob, now, endpoint=f"{FCM}/same")
    before = PushSubscription.objects.get()
    with_device(carol, now, endpoint=f"{FCM}/same")
    after = PushSubscription.objects.get()
    assert (before.user, after.user) == (bob, carol)
    assert before.pk != after.pk
    assert Preference.objects.get(user=carol).push_enabled


@pytest.mark.django_db(transaction=True)
def test_of_many_concurrent_registrations_only_the_allowed_number_succeeds(db):
    dave = make_user("dave")
    now = timezone.now()
    for _ in range(MAX_DEVICES - 1):
        with_device(dave, now)

    def register() -> str:
        try:
            with_device(dave, now)
        except TooManyDevicesError:
            return "refused"
        return "taken"

    assert sorted(at_once(register)) == ["refused", "refused", "refused", "taken"]
    assert dave.push_subscriptions.count() == MAX_DEVICES


@pytest.mark.django_db(transaction=True)
def test_the_same_endpoint_registered_by_several_at_once_is_one_device(db):
    users = [make_user(f"user-{n}") for n in range(4)]
    now = timezone.now()
    waiting = list(users)
    at_once(lambda: with_device(waiting.pop(), now, endpoint=f"{FCM}/same"))
    assert PushSubscription.objects.get().user in users


@pytest.mark.django_db
def test_renaming_a_removed_device_raises_no_error(bob, now):
    with_device(bob, now)
    device = PushSubscription.objects.get()
    PushSubscription.objects.all().delete()
    subscriptions.rename(device, "phone")
    assert not PushSubscription.objects.exists()


@pytest.mark.django_db
def test_devices_created_with_another_key_are_detected(bob, carol, now):
    with_device(bob, now)  # from before keys were kept
    with_device(bob, now, application_server_key="B-own")
    assert not subscriptions.made_with_other_keys("B-own")
    with_device(carol, now, application_server_key="A-other")
    assert subscriptions.made_with_other_keys("B-own")
    assert subscriptions.made_with_other_keys("C-new")
