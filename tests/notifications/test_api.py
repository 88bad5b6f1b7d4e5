import pytest

from notifications.models import Preference, PushSubscription
from stack.push_service import Device
from tests.api import assert_problem, client_of

pytestmark = pytest.mark.django_db
SUBSCRIPTIONS = "/api/v1/push/subscriptions/"
MOZILLA = "https://updates.push.services.mozilla.com"


def subscribe(user, **changes):
    body = Device.generate().subscription(MOZILLA) | {"name": "laptop"} | changes
    return client_of(user).post(SUBSCRIPTIONS, body, format="json")


def test_the_first_device_turns_notifications_on(bob):
    response = subscribe(bob)
    assert response.status_code == 201
    assert set(response.json()) == {"id", "name", "created_at"}
    assert Preference.objects.get(user=bob).push_enabled


def test_a_later_device_leaves_the_preference_as_it_is(bob):
    subscribe(bob)
    Preference.objects.update(push_enabled=False)
    subscribe(bob)
    assert not Preference.objects.get(user=bob).push_enabled
    assert PushSubscription.objects.count() == 2


def test_an_endpoint_registered_again_moves(bob, carol):
    endpoint = f"{MOZILLA}/push/same"
    assert subscribe(bob, endpoint=endpoint).status_code == 201
    assert subscribe(carol, endpoint=endpoint).status_code == 200
    assert PushSubscription.objects.get().user == carol


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://updates.push.services.mozilla.com/x",
        "https://updates.push.services.mozilla.com:8443/x",
        "https://me@updates.push.services.mozilla.com/x",
        "https://updates.push.services.mozilla.com.evil.example/x",
        "https://evil-fcm.googleapis.com.example/x",
        "https://notfcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/x",
        "ftp://fcm.googleapis.com/x",
        "https://[bad/x",
        "https://fcm.googleapis.com:99999/x",
        "",
        "x",
    ],
)
def test_an_endpoint_elsewhere_is_refused(bob, settings, endpoint):
    settings.PUSH_ALLOW_LOOPBACK = False
    assert_problem(subscribe(bob, endpoint=endpoint), 400, "endpoint")
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"p256dh": "AAAA"}, "keys.p256dh"),
        ({"p256dh": "ä"}, "keys.p256dh"),
        ({"auth": "AAAA"}, "keys.auth"),
        ({"auth": "!"}, "keys.auth"),
    ],
)
def test_keys_that_are_none_are_refused(bob, keys, field):
    good = Device.generate().subscription(MOZILLA)["keys"]
    assert_problem(subscribe(bob, keys=good | keys), 400, field)


def test_the_public_key_is_served(bob):
    key = client_of(bob).get("/api/v1/push/public-key/").json()["public_key"]
    assert len(key) == 87
