import pytest
from django.contrib.auth.models import Permission

from fanout import partitions
from notifications import tasks
from notifications.models import Delivery, PushSubscription
from tests.bus import depth
from tests.notifications.people import with_device

pytestmark = pytest.mark.django_db
DEVICES = "/admin/notifications/pushsubscription/"


@pytest.fixture
def row(bob, now) -> PushSubscription:
    with_device(bob, now)
    return PushSubscription.objects.get()


def test_a_users_devices_are_found_and_show_no_address_and_no_keys(admin_client, row):
    pages = [
        admin_client.get(DEVICES, {"q": "bob"}),
        admin_client.get(DEVICES, {"transport": "web_push"}),
        admin_client.get(f"{DEVICES}{row.pk}/change/"),
    ]
    for page in pages:
        text = page.content.decode()
        assert "fcm.googleapis.com" in text
        assert not [secret for secret in (row.endpoint, row.p256dh, row.auth) if secret in text]
    assert "fcm.googleapis.com" not in admin_client.get(DEVICES, {"q": "carol"}).content.decode()


def test_a_test_push_is_sent_from_the_list(admin_client, row, broker):
    chosen = {"action": "send_test_push", "_selected_action": [row.pk]}
    page = admin_client.post(DEVICES, chosen, follow=True)
    assert "the test runs" in page.content.decode()
    assert depth(broker, tasks.RETRY) == 1
    page = admin_client.post(DEVICES, chosen, follow=True)
    assert "at most every 10 seconds" in page.content.decode()
    assert depth(broker, tasks.RETRY) == 1


def test_staff_who_may_only_view_cannot_send_a_test_push(client, django_user_model, row, broker):
    log_in_with(client, django_user_model, "view_pushsubscription")
    chosen = {"action": "send_test_push", "_selected_action": [row.pk]}
    client.post(DEVICES, chosen, follow=True)
    assert depth(broker, tasks.RETRY) == 0
    assert PushSubscription.objects.get().test is None


def log_in_with(client, users, codename: str) -> None:
    """Log in a member of staff with only this permission."""
    staff = users.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename=codename))
    client.force_login(staff)


DELIVERIES = "/admin/notifications/delivery/"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {1, 2, 3}),
        ({"state__exact": "refused"}, {2, 3}),
        ({"reason": "answered 413"}, {2}),
        ({"host": "fcm"}, {3}),
        ({"reason": "answered 413", "host": "fcm"}, set()),
    ],
)
def test_deliveries_are_found_by_state_reason_and_host(admin_client, post, bob, now, query, found):
    partitions.ensure(Delivery._meta.db_table, [post.pk])
    common = {"post": post, "recipient_id": bob.pk, "attempts": 1, "created_at": now}
    for number, state, reason, host in (
        (1, "sent", "", "push.example.com"),
        (2, "refused", "answered 413", "push.example.com"),
        (3, "refused", "the subscription is gone", "fcm"),
    ):
        Delivery.objects.create(
            subscription_id=number, state=state, reason=reason, host=host, **common
        )
    rows = admin_client.get(DELIVERIES, query).context["cl"].result_list
    assert {row.subscription_id for row in rows} == found
