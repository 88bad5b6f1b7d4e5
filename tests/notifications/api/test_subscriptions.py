import pytest
from django.utils import timezone

from devtools.push_service import Device
from notifications import subscriptions, tasks
from notifications.models import Preference, PushSubscription
from tests.api import assert_problem, client_of
from tests.bus import depth
from tests.notifications.people import with_device

pytestmark = pytest.mark.django_db
SUBSCRIPTIONS = "/api/v1/push/subscriptions/"
MOZILLA = "https://updates.push.services.mozilla.com"


def subscribe(user, **changes):
    body = Device.generate().subscription(MOZILLA) | {"name": "laptop"} | changes
    return client_of(user).post(SUBSCRIPTIONS, body, format="json")


def test_the_first_device_turns_notifications_on(bob):
    response = subscribe(bob)
    assert response.status_code == 201
    device = PushSubscription.objects.get()
    assert response.json() == {
        "id": device.pk,
        "transport": "web_push",
        "name": "laptop",
        "created_at": device.created_at.isoformat().replace("+00:00", "Z"),
        "tested_at": None,
        "test": None,
    }
    assert Preference.objects.get(user=bob).push_enabled


def test_a_later_device_leaves_the_preference_as_it_is(bob):
    subscribe(bob)
    Preference.objects.update(push_enabled=False)
    subscribe(bob)
    assert not Preference.objects.get(user=bob).push_enabled
    assert PushSubscription.objects.count() == 2


def test_a_device_registered_again_is_the_same_one_with_new_keys(bob):
    endpoint = f"{MOZILLA}/push/same"
    first = subscribe(bob, endpoint=endpoint)
    keys = PushSubscription.objects.get().p256dh
    again = subscribe(bob, endpoint=endpoint, name="old laptop")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"name": "old laptop"}
    assert PushSubscription.objects.get().p256dh != keys


def test_padded_keys_are_taken_and_kept_without_padding(bob):
    subscription = Device.generate().subscription(MOZILLA)
    padded = {name: key + "=" * (-len(key) % 4) for name, key in subscription["keys"].items()}
    assert subscribe(bob, keys=padded).status_code == 201
    device = PushSubscription.objects.get()
    assert {"p256dh": device.p256dh, "auth": device.auth} == subscription["keys"]


def test_an_fcm_token_is_registered_if_fcm_is_offered(bob, settings):
    body = {"transport": "fcm", "token": "cQ1:APA91b_-x", "name": "phone"}
    client = client_of(bob)
    assert_problem(client.post(SUBSCRIPTIONS, body, format="json"), 400, "transport")
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"fcm": "a.b.C"}
    answer = client.post(SUBSCRIPTIONS, body, format="json")
    assert (answer.status_code, answer.json()["transport"]) == (201, "fcm")
    device = PushSubscription.objects.get()
    assert (device.endpoint, device.p256dh, device.auth) == ("cQ1:APA91b_-x", "", "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token": "a b"}, "token"),
        ({"token": "https://10.0.0.1/"}, "token"),
        ({"token": "x\ny"}, "token"),
        ({"token": "x" * 1_001}, "token"),
        ({"token": ""}, "token"),
        ({"endpoint": f"{MOZILLA}/x"}, "endpoint"),
        ({"transport": "pigeon"}, "transport"),
        ({"transport": None}, "transport"),
        ({"transport": ["fcm"]}, "transport"),
    ],
)
def test_an_invalid_token_is_refused(bob, settings, changes, field):
    settings.PUSH_TRANSPORTS = settings.PUSH_TRANSPORTS | {"fcm": "a.b.C"}
    body = {"transport": "fcm", "token": "x"} | changes
    assert_problem(client_of(bob).post(SUBSCRIPTIONS, body, format="json"), 400, field)
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://updates.push.services.mozilla.com/x",
        "https://updates.push.services.mozilla.com:8443/x",
        "https://me@updates.push.services.mozilla.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "https://0177.0.0.1/x",
        "http://127.0.0.1:8000/x",
        "",
    ],
)
def test_an_endpoint_elsewhere_is_refused(bob, settings, endpoint):
    """The complete list of refused endpoints is in test_endpoints.py."""
    settings.PUSH_ALLOW_LOOPBACK = False
    assert_problem(subscribe(bob, endpoint=endpoint), 400, "endpoint")
    assert not PushSubscription.objects.exists()


OFF_THE_CURVE = "B" + "A" * 86
COMPRESSED = "Axr17ay7tWGkLVdYNTrLaRPl2Ao-Q7PE5hXLjIjYqiVm"


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"p256dh": "AAAA"}, "keys.p256dh"),
        ({"p256dh": "ä"}, "keys.p256dh"),
        ({"p256dh": OFF_THE_CURVE}, "keys.p256dh"),
        ({"p256dh": COMPRESSED}, "keys.p256dh"),
        ({"auth": "AAAA"}, "keys.auth"),
        ({"auth": "!"}, "keys.auth"),
        ({"auth": "A" * 23}, "keys.auth"),
    ],
)
def test_invalid_keys_are_refused(bob, keys, field):
    good = Device.generate().subscription(MOZILLA)["keys"]
    assert_problem(subscribe(bob, keys=good | keys), 400, field)


def test_a_body_that_is_not_an_object_is_refused(bob):
    assert_problem(client_of(bob).post(SUBSCRIPTIONS, [], format="json"), 400)


def test_the_seventeenth_device_is_refused_and_says_why(bob, carol):
    devices = [subscribe(bob) for _ in range(subscriptions.MAX_DEVICES)]
    answer = subscribe(bob)
    assert_problem(answer, 409)
    assert answer.json()["type"] == "urn:connectify:problem:too-many-devices"
    assert "at most 16" in answer.json()["detail"]
    # A device that is registered already does not count, nor do those of other users.
    same = PushSubscription.objects.first().endpoint
    assert subscribe(bob, endpoint=same).status_code == 200
    assert subscribe(carol).status_code == 201
    client_of(bob).delete(f"{SUBSCRIPTIONS}{devices[0].json()['id']}/")
    assert subscribe(bob).status_code == 201


def test_devices_are_listed_renamed_and_removed(bob, carol):
    first, second = subscribe(bob).json(), subscribe(bob).json()
    subscribe(carol)
    client = client_of(bob)
    assert client.get(SUBSCRIPTIONS).json() == [first, second]
    path = f"{SUBSCRIPTIONS}{first['id']}/"
    renamed = client.patch(path, {"name": "tablet"}, format="json").json()
    assert renamed == client.get(path).json() == first | {"name": "tablet"}
    assert client.delete(path).status_code == 204
    assert client.get(SUBSCRIPTIONS).json() == [second]
    assert_problem(client.get(path), 404)


@pytest.mark.parametrize(
    "body", [{}, {"name": None}, {"name": "x" * 101}, {"name": "x", "endpoint": "x"}]
)
def test_only_the_name_can_be_changed(bob, body):
    path = f"{SUBSCRIPTIONS}{subscribe(bob).json()['id']}/"
    assert_problem(client_of(bob).patch(path, body, format="json"), 400)


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_another_users_device_is_not_found(bob, carol, method):
    path = f"{SUBSCRIPTIONS}{subscribe(bob).json()['id']}/"
    ask = getattr(client_of(carol), method)
    body = {"name": "mine"} if method == "patch" else None
    assert_problem(ask(path, body, format="json"), 404)
    assert PushSubscription.objects.get().name == "laptop"


def test_the_list_of_devices_takes_one_query(bob, django_assert_num_queries, now):
    client = client_of(bob)
    client.get(SUBSCRIPTIONS)
    for _ in range(3):
        with_device(bob, now)
    with django_assert_num_queries(2):  # The token, and the devices.
        assert len(client.get(SUBSCRIPTIONS).json()) == 3


@pytest.mark.parametrize("path", ["", "1/", "1/test/"])
def test_devices_need_a_login(client, db, path):
    assert_problem(client.get(f"{SUBSCRIPTIONS}{path}"), 401)


def test_a_test_push_is_enqueued_at_most_every_ten_seconds(bob, carol, broker):
    path = f"{SUBSCRIPTIONS}{subscribe(bob).json()['id']}/test/"
    answer = client_of(bob).post(path)
    assert (answer.status_code, answer.json()["test"]) == (202, "waiting")
    assert depth(broker, tasks.RETRY) == 1
    again = client_of(bob).post(path)
    assert_problem(again, 429)
    assert again["Retry-After"] == "10"
    assert_problem(client_of(carol).post(path), 404)
    assert depth(broker, tasks.RETRY) == 1
    PushSubscription.objects.update(tested_at=timezone.now() - subscriptions.TEST_INTERVAL)
    assert client_of(bob).post(path).status_code == 202


def test_the_public_key_is_served(bob):
    key = client_of(bob).get("/api/v1/push/public-key/").json()["public_key"]
    assert len(key) == 87


def test_a_device_keeps_the_key_it_was_created_with(bob):
    served = client_of(bob).get("/api/v1/push/public-key/").json()["public_key"]
    assert subscribe(bob).status_code == 201
    assert PushSubscription.objects.get().application_server_key == served
    other = Device.generate().subscription(MOZILLA)["keys"]["p256dh"]
    assert subscribe(bob, application_server_key=f"{other}=").status_code == 201
    assert PushSubscription.objects.latest("pk").application_server_key == other


@pytest.mark.parametrize("key", ["", "AAAA", "B" * 87, "no key at all", 5, None])
def test_an_invalid_application_server_key_is_refused(bob, key):
    assert_problem(subscribe(bob, application_server_key=key), 400, "application_server_key")


@pytest.mark.parametrize("other", [":443/a", "/b/../a", "/%61"])
def test_another_spelling_of_an_endpoint_is_the_same_device(bob, carol, other):
    first = subscribe(bob, endpoint=f"{MOZILLA}/a")
    again = subscribe(bob, endpoint=f"{MOZILLA}{other}")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert subscribe(carol, endpoint=f"{MOZILLA}{other}").status_code == 201
    assert PushSubscription.objects.get().user == carol


@pytest.mark.parametrize("other", ["?x=1", "#x", "?", "?x", "&x"])
def test_a_query_or_a_fragment_makes_no_second_device(bob, other):
    subscribe(bob, endpoint=f"{MOZILLA}/a")
    response = subscribe(bob, endpoint=f"{MOZILLA}/a{other}")
    assert response.status_code == 400 or other == "&x"


def test_a_device_stored_under_an_older_spelling_is_replaced(bob, now):
    device = subscribe(bob, endpoint=f"{MOZILLA}/a").json()["id"]
    PushSubscription.objects.filter(pk=device).update(endpoint=f"{MOZILLA}:443/a")
    assert subscribe(bob, endpoint=f"{MOZILLA}:443/a").status_code == 201
    assert PushSubscription.objects.get().endpoint == f"{MOZILLA}/a"


@pytest.fixture
def fcm(settings):
    settings.PUSH_TRANSPORTS |= {"fcm": "notifications.delivery.transports.fcm.Fcm"}


def test_a_device_says_how_it_wants_its_messages(bob, fcm):
    wishes = {"alert": False, "priority": "normal", "collapse_keys": 4}
    body = {"transport": "fcm", "token": "t", "wishes": wishes}
    assert client_of(bob).post(SUBSCRIPTIONS, body, format="json").status_code == 201
    assert PushSubscription.objects.get().wishes == wishes


@pytest.mark.parametrize("wishes", [{"collapse_keys": 5}, {"priority": "x"}, {"other": 1}, 7])
def test_invalid_wishes_are_refused(bob, fcm, wishes):
    body = {"transport": "fcm", "token": "t", "wishes": wishes}
    assert client_of(bob).post(SUBSCRIPTIONS, body, format="json").status_code == 400


def test_two_transports_may_have_the_same_token(bob, carol, fcm, settings):
    settings.DEBUG = True
    settings.PUSH_TRANSPORTS |= {"console": "notifications.delivery.transports.console.Console"}
    for user, transport in ((bob, "fcm"), (carol, "console")):
        body = {"transport": transport, "token": "same"}
        assert client_of(user).post(SUBSCRIPTIONS, body, format="json").status_code == 201
    assert PushSubscription.objects.count() == 2
