from uuid import uuid4

import pytest

from devtools.push_service import Device
from fanout.slices import END, Slice
from notifications import subscriptions
from notifications.delivery.pushing import push_slices
from notifications.endpoints import EndpointError, canonical, check_endpoint
from notifications.models import Delivery

HOST = "updates.push.services.mozilla.com"

REFUSED = {
    "http": f"http://{HOST}/x",
    "another scheme": f"ftp://{HOST}/x",
    "an odd port": f"https://{HOST}:8443/x",
    "a port that is none": f"https://{HOST}:99999/x",
    "user-info": f"https://me@{HOST}/x",
    "user-info that looks like the host": f"https://{HOST}@127.0.0.1/x",
    "a host that begins like a known one": f"https://{HOST}.evil.example/x",
    "a host that ends like a known one": "https://notfcm.googleapis.com/x",
    "a backslash": f"https://evil.example\\@{HOST}/x",
    "a backslash in place of the path": f"https://evil.example\\.{HOST}/x",
    "a line break, which parsers drop": f"https://{HOST}\n/x",
    "a header in the path": f"https://{HOST}/x\r\nHost: evil.example",
    "a tab": f"https://{HOST}/\tx",
    "a space": f"https://{HOST}/ x",
    "letters that are no ASCII": "https://fcm.g\u043eogleapis.com/x",
    "a full-width full stop": "https://fcm.googleapis\uff0ecom/x",
    "a label too long to be looked up": f"https://{'a' * 64}.{HOST}/x",
    "an empty label": f"https://.{HOST}/x",
    "a host that is not finished": f"https://{HOST}./x",
    "no path": f"https://{HOST}",
    "loopback": "https://127.0.0.1/x",
    "IPv6 loopback": "https://[::1]/x",
    "an IPv4-mapped address": "https://[::ffff:127.0.0.1]/x",
    "a private address": "https://10.0.0.1/x",
    "cloud metadata": "https://169.254.169.254/latest/meta-data/",
    "the unspecified address": "https://0.0.0.0/x",
    "a decimal address": "https://2130706433/x",
    "an octal address": "https://0177.0.0.1/x",
    "a hexadecimal address": "https://0x7f000001/x",
    "localhost": "https://localhost/x",
    "a broken bracket": "https://[bad/x",
    "no URL": "x",
    "a host below a known one": f"https://a.{HOST}/x",
    "two labels before a wildcard": "https://a.b.notify.windows.com/?token=x",
    "a wildcard's own host": "https://notify.windows.com/?token=x",
    "a fragment": f"https://{HOST}/x#1",
    "a query": f"https://{HOST}/x?y=1",
    "an empty query": f"https://{HOST}/x?",
    "a second parameter": "https://db5p.notify.windows.com/w/?token=x&y=1",
    "another parameter": "https://db5p.notify.windows.com/w/?other=x",
    "no parameter where the address is one": "https://db5p.notify.windows.com/w/",
    "nothing": "",
}


@pytest.mark.parametrize("endpoint", REFUSED.values(), ids=REFUSED.keys())
def test_an_endpoint_elsewhere_is_refused(settings, endpoint):
    settings.PUSH_ALLOW_LOOPBACK = False
    with pytest.raises(EndpointError, match="not an endpoint of a known push service"):
        check_endpoint(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        f"https://{HOST}/wpush/v2/gAAAA-_=",
        f"https://{HOST}:443/wpush/v2/x",
        "https://fcm.googleapis.com/fcm/send/e:APA91b",
        "https://db5p.notify.windows.com/w/?token=BQYAAA%3d%3d",
        "https://web.push.apple.com/QOz",
        "https://jmt17.google.com/fcm/send/e:APA91b",
    ],
)
def test_an_endpoint_of_a_known_push_service_is_accepted(endpoint):
    check_endpoint(endpoint)


def test_a_setting_replaces_the_list_of_hosts(settings):
    settings.PUSH_HOSTS = ["push.example.org"]
    check_endpoint("https://push.example.org/x")
    with pytest.raises(EndpointError):
        check_endpoint(f"https://{HOST}/x")


@pytest.mark.parametrize("address", ["127.0.0.2", "10.0.0.1", "localhost"])
def test_the_setting_for_loopback_allows_one_address(address):
    check_endpoint("http://127.0.0.1:8000/push/x")
    with pytest.raises(EndpointError):
        check_endpoint(f"http://{address}:8000/push/x")


def push(bob, post, endpoint: str, now) -> Delivery:
    """Push the post to a device of Bob's whose endpoint was saved without a check."""
    keys = Device.generate().subscription("")["keys"]
    subscriptions.register(bob, endpoint=endpoint, **keys, name="", now=now)
    push_slices([Slice(post.pk, 0, END)], task=uuid4(), clock=lambda: now)
    return Delivery.objects.get()


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", REFUSED.values(), ids=REFUSED.keys())
def test_a_saved_endpoint_that_is_not_allowed_gets_no_push(bob, post, now, settings, endpoint):
    settings.PUSH_ALLOW_LOOPBACK = False
    delivery = push(bob, post, endpoint, now)
    assert (delivery.state, delivery.provider_status) == ("refused", None)
    assert delivery.reason == EndpointError.__doc__


@pytest.mark.django_db
def test_a_push_to_loopback_reaches_nobody_unless_the_setting_allows_it(
    bob, post, now, settings, service
):
    settings.PUSH_ALLOW_LOOPBACK = False
    assert push(bob, post, f"{service.origin}/push/x", now).state == "refused"
    assert len(service.receipts) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(bob, post, now, service, status):
    service.answer("x", status, location=f"{service.origin}/push/secret")
    delivery = push(bob, post, f"{service.origin}/push/x", now)
    assert (delivery.state, delivery.provider_status) == ("refused", status)
    assert [receipt.token for receipt in service.receipts] == ["x"]


@pytest.mark.django_db
def test_a_proxy_from_the_environment_is_not_used(bob, post, now, service, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert push(bob, post, f"{service.origin}/push/x", now).state == "sent"


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        (f"https://{HOST}:443/x", f"https://{HOST}/x"),
        (f"https://{HOST}/a/../x", f"https://{HOST}/x"),
        (f"https://{HOST}/./x", f"https://{HOST}/x"),
        (f"https://{HOST}/%78", f"https://{HOST}/x"),
        (
            "https://db5p.notify.windows.com/w/?token=BQ%2bA%3d",
            "https://db5p.notify.windows.com/w/?token=BQ%2BA%3D",
        ),
        ("http://127.0.0.1:08000/push/x", "http://127.0.0.1:8000/push/x"),
    ],
)
def test_an_endpoint_has_one_spelling(given, spelled):
    assert canonical(given) == canonical(spelled)
    assert canonical(canonical(given)) == canonical(given)


@pytest.mark.parametrize("given", [f"https://{HOST}/{'%22' * 400}", "http://127.0.0.1:99999/x"])
def test_an_endpoint_without_a_storable_spelling_is_refused(given):
    with pytest.raises(EndpointError):
        canonical(given)
