"""The application server signs with its key; the push service lets in nobody else."""

import time

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid.jwt import sign

from devtools.push_service import VapidError, running_push_service, verify_vapid
from devtools.push_service.jose import encode_base64url
from devtools.push_service.vapid import VapidGate

ORIGIN = "https://push.example.net"
NOW = 1_700_000_000
SIGNER = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"aud": ORIGIN, "exp": NOW + 3600, "sub": "mailto:push@example.com"}

# RFC 8292, section 2.4; expires at 1453523768.
EXAMPLE = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJle"
    "HAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGk"
    "MlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA,"
    " k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def public(key) -> str:
    return encode_base64url(
        key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    )


def header(claims=CLAIMS, *, signer=SIGNER, shown=SIGNER) -> str:
    return f"vapid t={sign(claims, signer)},k={public(shown)}"


def verify(authorization, *, key=None):
    return verify_vapid(authorization, origin=ORIGIN, now=NOW, key=key)


def test_example_of_rfc_8292_verifies():
    jwt = verify_vapid(EXAMPLE, origin=ORIGIN, now=1_453_500_000, key=None)

    assert jwt.claims["sub"] == "mailto:push@example.com"


@pytest.mark.parametrize("exp", [NOW + 1, NOW + 24 * 3600])
def test_token_of_at_most_a_day_is_let_in(exp):
    assert verify(header({**CLAIMS, "exp": exp}), key=public(SIGNER)).claims["exp"] == exp


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "vapid is missing"),
        ("Bearer abc", "vapid is missing"),
        (f"WebPush {sign(CLAIMS, SIGNER)}", "vapid is missing"),
        (f"vapid t={sign(CLAIMS, SIGNER)}", "t or k is missing"),
        ("vapid nonsense", "t or k is missing"),
    ],
)
def test_missing_credentials_are_answered_401(authorization, reason):
    with pytest.raises(VapidError, match=reason) as refusal:
        verify(authorization)

    assert refusal.value.status == 401


def without(claim):
    return {name: value for name, value in CLAIMS.items() if name != claim}


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (header({**CLAIMS, "aud": "https://push.example.org"}), "aud"),
        (header({**CLAIMS, "aud": ORIGIN + "/push/alice"}), "aud"),
        (header(without("aud")), "aud"),
        (header({**CLAIMS, "exp": NOW}), "exp"),
        (header({**CLAIMS, "exp": NOW + 24 * 3600 + 1}), "exp"),
        (header({**CLAIMS, "exp": str(NOW + 60)}), "exp"),
        (header(without("exp")), "exp"),
        (header(without("sub")), "sub"),
        (header({**CLAIMS, "sub": "push@example.com"}), "sub"),
        (header(signer=STRANGER), "not signed by k"),
        (header().replace("k=B", "k=C"), "not signed by k"),
        (f"vapid t=a.b.c,k={public(SIGNER)}", "not signed by k"),
        (f"vapid t=abc,k={public(SIGNER)}", "not signed by k"),
    ],
)
def test_credentials_that_do_not_hold_are_answered_403(authorization, reason):
    with pytest.raises(VapidError, match=reason) as refusal:
        verify(authorization)

    assert refusal.value.status == 403


def test_only_the_key_of_the_subscription_is_let_in():
    with pytest.raises(VapidError, match="not the key") as refusal:
        verify(header(signer=STRANGER, shown=STRANGER), key=public(SIGNER))

    assert refusal.value.status == 403


def test_remembered_token_is_refused_once_it_expires():
    clock = iter([NOW, NOW + 3599, NOW + 3600])
    gate = VapidGate(clock=lambda: next(clock))

    gate.check(header_once := header(), ORIGIN)
    gate.check(header_once, ORIGIN)
    with pytest.raises(VapidError, match="exp"):
        gate.check(header_once, ORIGIN)


def test_remembered_token_is_refused_at_another_origin():
    gate = VapidGate(clock=lambda: NOW)
    gate.check(authorization := header(), ORIGIN)

    with pytest.raises(VapidError, match="aud"):
        gate.check(authorization, "https://push.example.org")


def test_service_lets_in_only_its_application_server():
    def push(service, signer):
        claims = {**CLAIMS, "aud": service.origin, "exp": int(time.time()) + 3600}
        headers = {
            "TTL": "60",
            "Content-Encoding": "aes128gcm",
            "Authorization": header(claims, signer=signer, shown=signer),
        }
        return requests.post(f"{service.origin}/push/alice", b"sealed", headers=headers, timeout=5)

    with running_push_service(application_server_key=public(SIGNER)) as service:
        assert push(service, SIGNER).status_code == 201
        assert push(service, STRANGER).status_code == 403
