import json

import pytest
from django.utils import timezone

from devtools.push_service import decrypt_all
from notifications.delivery.trials import send_trial
from notifications.models import Delivery, PushSubscription
from tests.waiting import until

# An answer that takes longer than a task waits is recorded by another thread.
pytestmark = pytest.mark.django_db(transaction=True)


def wait_for_result(result: str) -> None:
    until(lambda: PushSubscription.objects.get().test == result, 10)


def test_a_test_push_reaches_the_device_and_makes_no_delivery(device, service):
    row = PushSubscription.objects.get()
    send_trial(row.pk, clock=timezone.now)
    wait_for_result("sent")
    (receipt,) = service.receipts.of(device.token)
    ((_, plaintext),) = decrypt_all([receipt], [device]).opened
    assert json.loads(plaintext)["tag"] == receipt.topic == f"test-{row.pk:019d}"
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("how", [400, 500, 429, "reset"])
def test_a_failed_test_push_gives_no_reason(device, service, how):
    service.answer(device.token, how)
    send_trial(PushSubscription.objects.get().pk, clock=timezone.now)
    wait_for_result("failed")
    assert len(service.receipts.of(device.token)) == 1


def test_a_test_push_to_an_endpoint_that_is_no_longer_allowed_fails(device, service, settings):
    settings.PUSH_ALLOW_LOOPBACK = False
    send_trial(PushSubscription.objects.get().pk, clock=timezone.now)
    wait_for_result("failed")
    assert len(service.receipts) == 0


def test_a_subscription_that_is_gone_is_removed(device, service):
    service.answer(device.token, 410)
    send_trial(PushSubscription.objects.get().pk, clock=timezone.now)
    until(lambda: not PushSubscription.objects.exists(), 10)


def test_a_device_that_was_removed_meanwhile_is_not_tested(db):
    send_trial(1, clock=timezone.now)
