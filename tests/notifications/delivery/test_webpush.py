from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.management import call_command

from devtools.push_service import verify_vapid
from devtools.push_service.jose import decode_base64url, encode_base64url
from notifications.delivery import webpush

ENDPOINT = "https://push.example.com/push/abc"
NOW = datetime(2026, 1, 15, tzinfo=UTC).timestamp()


@pytest.fixture
def signer() -> webpush.Signer:
    return webpush.Signer(settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)


def test_the_signature_is_for_the_endpoints_origin(signer):
    header = signer.authorization(ENDPOINT, NOW)
    verify_vapid(header, origin="https://push.example.com", now=NOW, key=signer.public_key)


@pytest.mark.parametrize("subject", ["https://company.com/contact", "https://company.com:8443/x"])
def test_the_vapid_subject_may_be_a_page(subject):
    header = webpush.Signer(settings.VAPID_PRIVATE_KEY, subject).authorization(ENDPOINT, NOW)
    jwt = verify_vapid(header, origin="https://push.example.com", now=NOW, key=None)
    assert jwt.claims["sub"] == subject


@pytest.mark.parametrize(
    "endpoint", ["https://push.example.com:443/x", "https://push.example.com/x"]
)
def test_the_audience_leaves_out_port_443(signer, endpoint):
    header = signer.authorization(endpoint, NOW)
    verify_vapid(header, origin="https://push.example.com", now=NOW, key=None)


def test_a_signature_is_kept_for_hours_and_renewed_before_it_ends(signer):
    first = signer.authorization(ENDPOINT, NOW)
    assert signer.authorization(ENDPOINT, NOW + 3600) == first
    later = NOW + webpush.SIGNATURE_SECONDS - 60
    renewed = signer.authorization(ENDPOINT, later)
    assert renewed != first
    verify_vapid(renewed, origin="https://push.example.com", now=later, key=signer.public_key)


def test_the_example_of_rfc_8291_is_reproduced():
    """RFC 8291, section 5 and appendix A."""
    private_key = ec.derive_private_key(
        int.from_bytes(decode_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")),
        ec.SECP256R1(),
    )
    body = webpush.encrypt(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        private_key=private_key,
        salt=decode_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encode_base64url(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_generated_keys_sign(capsys):
    call_command("generate_vapid_keys")
    private, public = (line.split()[-1] for line in capsys.readouterr().out.splitlines())
    signer = webpush.Signer(private.removeprefix("VAPID_PRIVATE_KEY="), "mailto:a@example.com")
    assert signer.public_key == public
    header = signer.authorization(ENDPOINT, NOW)
    verify_vapid(header, origin="https://push.example.com", now=NOW, key=public)


def test_the_number_of_cached_signatures_is_limited(signer):
    for number in range(webpush.MAX_SIGNATURES + 3):
        signer.authorization(f"https://db{number}.notify.windows.com/x", NOW)
    assert len(signer._cached) == webpush.MAX_SIGNATURES
    assert "https://db0.notify.windows.com" not in signer._cached
