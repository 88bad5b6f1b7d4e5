import secrets

import pytest
from rest_framework.test import APIClient

from social.callers import network
from tests.api import PASSWORD, assert_problem, client_of, log_in, register

pytestmark = pytest.mark.django_db
ME = "/api/v1/accounts/me/"
POSTS = "/api/v1/posts/"
LOGIN = "/api/v1/accounts/login/"
RESET = "/api/v1/accounts/password/reset/"


@pytest.fixture
def address() -> str:
    """An address that no other test uses."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def allow(settings, scope: str, **quotas) -> None:
    settings.THROTTLES = settings.THROTTLES | {scope: quotas}


@pytest.mark.parametrize("policy", ["user", "token", "address"])
def test_one_request_too_many_is_refused_with_the_time_to_wait(settings, alice, address, policy):
    allow(settings, "read", **{policy: 2})
    client = client_of(alice)
    answers = [client.get(ME, REMOTE_ADDR=address) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == f'"{policy}";q=2;w=60'
    assert answers[0]["RateLimit"].startswith(f'"{policy}";r=1;t=')
    assert answers[2]["RateLimit"].startswith(f'"{policy}";r=0;t=')
    assert_problem(answers[2], 429)
    assert 0 < int(answers[2]["Retry-After"]) <= 60


def test_all_limits_are_in_the_headers(settings, alice, address):
    allow(settings, "read", user=9, token=5, address=7)
    answer = client_of(alice).get(ME, REMOTE_ADDR=address)
    assert answer["RateLimit-Policy"] == '"address";q=7;w=60, "user";q=9;w=60, "token";q=5;w=60'


def test_a_user_is_counted_over_all_tokens_and_a_token_alone(settings, alice, address):
    allow(settings, "read", user=3, token=2)
    first, second = client_of(alice), client_of(alice)
    assert [first.get(ME).status_code for _ in range(3)] == [200, 200, 429]
    assert second.get(ME).status_code == 429


def test_posting_and_reading_are_counted_separately(settings, alice):
    allow(settings, "read", user=5)
    allow(settings, "post", user=1)
    client = client_of(alice)
    codes = [client.post(POSTS, {"content": "hi"}, format="json").status_code for _ in range(2)]
    assert codes == [201, 429]
    assert client.get(ME).status_code == 200


def test_following_has_a_limit_of_its_own(settings, alice, carol):
    allow(settings, "follow", user=1)
    client = client_of(carol)
    url = f"/api/v1/users/{alice.pk}/follow/"
    assert [client.put(url).status_code, client.delete(url).status_code] == [204, 429]


def test_addresses_of_one_ipv6_network_are_one_caller(settings, address):
    allow(settings, "login", address=2)
    neighbours = [address, f"{address}:2", f"{address}:3"]
    codes = [log_in(APIClient(REMOTE_ADDR=one)).status_code for one in neighbours]
    assert codes == [403, 403, 429]


def codes(client: APIClient, name: str, passwords: list[str | None]) -> list[int]:
    return [log_in(client, username=name, password=each).status_code for each in passwords]


@pytest.fixture
def name() -> str:
    name = f"dora-{secrets.token_hex(4)}"
    register(APIClient(), username=name)
    return name


def test_attempts_at_an_account_from_one_network_are_limited(settings, name, address):
    allow(settings, "login", account=3)
    client = APIClient(REMOTE_ADDR=address)
    assert codes(client, name, ["wrong"] * 3) == [403] * 3
    for typed in (name, name.upper(), f"  {name}", f"{name}\u3000\n", f"\uff44{name[1:]}"):
        refused = log_in(client, username=typed)
        assert_problem(refused, 429)
        assert 0 < int(refused["Retry-After"]) <= 60
    assert log_in(client, username=f"{name}x").status_code == 403


def test_attempts_from_another_network_lock_nobody_out(settings, name, address):
    allow(settings, "login", account=3)
    assert codes(APIClient(REMOTE_ADDR=address), name, ["wrong"] * 4) == [403, 403, 403, 429]
    assert log_in(APIClient(), username=name).status_code == 200


def test_an_account_has_a_ceiling_for_all_networks(settings, name):
    allow(settings, "login", account=3, ceiling=5)
    clients = [APIClient(REMOTE_ADDR=f"2001:db8:0:{n:x}::1") for n in range(4)]
    found = [codes(client, name, ["wrong", "wrong"]) for client in clients]
    assert found == [[403, 403], [403, 403], [403, 429], [429, 429]]


def test_only_failures_count_and_only_with_a_password(settings, name, address):
    allow(settings, "login", account=2)
    client = APIClient(REMOTE_ADDR=address)
    assert codes(client, name, [PASSWORD] * 4) == [200] * 4
    assert codes(client, name, [None, ""] * 4) == [400] * 8
    assert codes(client, name, ["wrong", PASSWORD, "wrong", PASSWORD]) == [403, 200, 403, 429]


def test_confirmations_by_password_are_limited_and_empty_requests_do_not_count(
    settings, alice, address
):
    allow(settings, "login", account=2, token=100)
    client = client_of(alice)
    url = "/api/v1/accounts/close/"
    empty = [client.post(url, {}, format="json", REMOTE_ADDR=address) for _ in range(4)]
    assert {answer.status_code for answer in empty} == {400}
    wrong = {"current_password": "wrong"}
    tried = [client.post(url, wrong, format="json", REMOTE_ADDR=address) for _ in range(3)]
    assert [answer.status_code for answer in tried] == [403, 403, 429]


def test_attempts_at_a_mailed_token_from_one_network_are_limited(settings, alice, address):
    allow(settings, "login", account=2)
    client = APIClient(REMOTE_ADDR=address)
    given = {"user_id": alice.pk, "token": "wrong", "password": PASSWORD}
    tried = [client.post(RESET, given, format="json").status_code for _ in range(3)]
    assert tried == [403, 403, 429]
    assert APIClient().post(RESET, given, format="json").status_code == 403


@pytest.mark.parametrize("token", [None, "Bearer x", "Bearer " + "0" * 64, "Basic eDp5"])
def test_requests_without_a_good_token_are_counted_by_address(settings, alice, address, token):
    allow(settings, "read", address=2)
    client = APIClient(REMOTE_ADDR=address)
    headers = {"Authorization": token} if token else {}
    answers = [client.get(ME, headers=headers) for _ in range(3)]
    for left, answer in zip((1, 0), answers, strict=False):
        assert_problem(answer, 401)
        assert answer["WWW-Authenticate"] == "Bearer"
        assert answer["RateLimit"].startswith(f'"address";r={left};t=')
    assert_problem(answers[2], 429)
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert client_of(alice).get(ME, REMOTE_ADDR=address).status_code == 429


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        pytest.param(b"{", "application/json", 400, id="malformed"),
        pytest.param(b'"' + b"x" * 1_000_001, "application/json", 413, id="too large"),
        pytest.param(b"username=dora", "text/plain", 415, id="no JSON"),
        pytest.param(b"[]", "application/json", 400, id="a list"),
        pytest.param(b'{"username": {}}', "application/json", 400, id="no name"),
    ],
)
def test_requests_with_bodies_that_name_no_account_are_counted_too(
    settings, address, body, content_type, status
):
    allow(settings, "login", address=2)
    client = APIClient(REMOTE_ADDR=address)
    answers = [client.post(LOGIN, body, content_type=content_type) for _ in range(3)]
    assert_problem(answers[0], status)
    assert_problem(answers[1], status)
    assert_problem(answers[2], 429)


def test_without_valkey_the_api_answers(settings, alice):
    allow(settings, "read", user=0)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client_of(alice).get(ME)
    assert answer.status_code == 200
    assert "RateLimit" not in answer


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "20010db800010002"),
        ("2001:db8:1:2::", "20010db800010002"),
        ("", "unknown"),
        (None, "unknown"),
        ("x" * 1000, "unknown"),
    ],
)
def test_an_address_has_the_key_of_its_network(address, expected):
    assert network(address) == expected


def test_an_address_in_a_clients_header_is_ignored(settings, address):
    allow(settings, "login", address=1)
    codes = [
        log_in(APIClient(REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR=f"192.0.2.{n}")).status_code
        for n in range(2)
    ]
    assert codes == [403, 429]
