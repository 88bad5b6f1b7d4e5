"""The application server sends to alice's phone through FCM, as Google's documents describe it."""

import json
import time

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from devtools.push_service import ServiceAccount, running_push_service
from devtools.push_service.jose import encode_base64url
from devtools.push_service.oauth import GRANT_TYPE, SCOPE

ACCOUNT = ServiceAccount.generate("demo")
STRANGER = ServiceAccount.generate("demo")
MESSAGE = {"token": "alice", "data": {"post": "7"}}


@pytest.fixture
def service():
    with running_push_service(fcm_key=ACCOUNT.public_key) as service:
        yield service


def assertion(service, *, signer=ACCOUNT, algorithm="RS256", **changes) -> str:
    key_file = signer.key_file(service.origin)
    now = int(time.time())
    claims = {
        "iss": key_file["client_email"],
        "scope": SCOPE,
        "aud": key_file["token_uri"],
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    signed = ".".join(encode_base64url(json.dumps(part).encode()) for part in parts)
    signature = signer.private_key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
    return f"{signed}.{encode_base64url(signature)}"


def ask_for_token(service, text, grant_type=GRANT_TYPE):
    form = {"grant_type": grant_type, "assertion": text}
    return requests.post(f"{service.origin}/token", form, timeout=5)


def send(service, message=MESSAGE, bearer=None, timeout=5):
    bearer = bearer or ask_for_token(service, assertion(service)).json()["access_token"]
    return requests.post(
        f"{service.origin}/v1/projects/demo/messages:send",
        json={"message": message},
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=timeout,
    )


def test_message_is_accepted_and_recorded(service):
    response = send(service)

    assert response.status_code == 200
    assert response.json() == {"name": "projects/demo/messages/1"}
    (receipt,) = service.receipts
    assert (receipt.transport, receipt.token, receipt.status) == ("fcm", "alice", 200)
    assert json.loads(receipt.body) == {"message": MESSAGE}


def test_token_endpoint_grants_an_hour_and_counts_its_calls(service):
    grant = ask_for_token(service, assertion(service)).json()

    assert grant["token_type"] == "Bearer"
    assert grant["expires_in"] == 3599
    assert send(service, bearer=grant["access_token"]).status_code == 200
    count = requests.get(f"{service.origin}/receipts/count", timeout=5).json()
    assert count == {"requests": 1, "accepted": 1, "bearer_tokens": 1}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signer": STRANGER}, "invalid_grant"),
        ({"algorithm": "none"}, "invalid_grant"),
        ({"aud": "https://oauth2.googleapis.com/token"}, "invalid_grant"),
        ({"iss": None}, "invalid_grant"),
        ({"exp": int(time.time()) - 1}, "invalid_grant"),
        ({"exp": int(time.time()) + 7200}, "invalid_grant"),
        ({"scope": "https://www.googleapis.com/auth/calendar"}, "invalid_scope"),
    ],
)
def test_assertion_that_does_not_hold_gets_no_token(service, changes, error):
    response = ask_for_token(service, assertion(service, **changes))

    assert response.status_code == 400
    assert response.json()["error"] == error


def test_other_grant_types_and_senseless_assertions_get_no_token(service):
    other = ask_for_token(service, assertion(service), grant_type="password")
    senseless = ask_for_token(service, "a.b")

    assert other.json()["error"] == "unsupported_grant_type"
    assert senseless.json()["error"] == "invalid_grant"


def test_without_a_known_account_nobody_gets_a_token():
    with running_push_service() as service:
        assert ask_for_token(service, assertion(service)).json()["error"] == "invalid_grant"


def test_token_endpoint_fails_as_told(service):
    service.answer("oauth", 503, retry_after=3, first=1)

    refused = ask_for_token(service, assertion(service))

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "3"
    assert ask_for_token(service, assertion(service)).status_code == 200


def test_unknown_bearer_token_is_unauthenticated(service):
    response = send(service, bearer="forged")

    assert response.status_code == 401
    assert response.json()["error"]["status"] == "UNAUTHENTICATED"
    assert [receipt.status for receipt in service.receipts] == [401]


@pytest.mark.parametrize(
    ("status", "canonical", "code"),
    [
        (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        (404, "NOT_FOUND", "UNREGISTERED"),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        (500, "INTERNAL", "INTERNAL"),
        (503, "UNAVAILABLE", "UNAVAILABLE"),
    ],
)
def test_told_errors_have_the_shape_of_fcm(service, status, canonical, code):
    service.answer("alice", status, retry_after=9)

    response = send(service)

    assert response.status_code == status
    assert response.headers["Retry-After"] == "9"
    error = response.json()["error"]
    assert (error["code"], error["status"]) == (status, canonical)
    assert error["details"] == [
        {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    ]


def test_told_401_comes_once_and_the_retry_is_accepted(service):
    service.answer("alice", 401, first=1)

    assert send(service).json()["error"]["status"] == "UNAUTHENTICATED"
    assert send(service).status_code == 200


@pytest.mark.parametrize(
    "message", [None, {}, {"token": ""}, {"token": 7}, {"token": "alice", "data": {"post": 7}}]
)
def test_message_that_fcm_does_not_understand_is_invalid(service, message):
    response = send(service, message)

    assert response.status_code == 400
    assert response.json()["error"]["details"][0]["errorCode"] == "INVALID_ARGUMENT"


def test_hanging_message_is_never_answered(service):
    service.answer("alice", "hang")

    with pytest.raises(requests.ReadTimeout):
        send(service, timeout=0.3)


def test_key_file_names_the_service_and_carries_the_private_key(service):
    key_file = ACCOUNT.key_file(service.origin)

    assert key_file["token_uri"] == f"{service.origin}/token"
    private_key = load_pem_private_key(key_file["private_key"].encode(), password=None)
    assert private_key.public_key() == ACCOUNT.private_key.public_key()
