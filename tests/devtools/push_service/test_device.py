"""Alice's device opens what a sender encrypted for it, and nothing else."""

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pywebpush import WebPusher

from devtools.push_service import DecryptError, Device, Receipt, decrypt_all
from devtools.push_service.jose import decode_base64url

ORIGIN = "http://127.0.0.1:9"

# RFC 8291, appendix A.
EXAMPLE_PRIVATE_KEY = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
EXAMPLE_PUBLIC_KEY = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
EXAMPLE_AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
EXAMPLE_BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
    "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
    "lcy4a-fN"
)


@pytest.fixture
def alice():
    return Device.generate("alice")


def encrypt(plaintext: bytes, device: Device, rs: int = 4096) -> bytes:
    return http_ece.encrypt(
        plaintext,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=device.public_key,
        auth_secret=device.auth,
        rs=rs,
    )


def test_example_of_rfc_8291_opens():
    number = int.from_bytes(decode_base64url(EXAMPLE_PRIVATE_KEY))
    key = ec.derive_private_key(number, ec.SECP256R1())
    device = Device("example", key, decode_base64url(EXAMPLE_AUTH))

    assert device.subscription(ORIGIN)["keys"]["p256dh"] == EXAMPLE_PUBLIC_KEY
    plaintext = device.decrypt(decode_base64url(EXAMPLE_BODY))
    assert plaintext == b"When I grow up, I want to be a watermelon"


def test_subscription_is_what_a_browser_sends(alice):
    subscription = alice.subscription(ORIGIN)

    assert subscription["endpoint"] == "http://127.0.0.1:9/push/alice"
    assert subscription["expirationTime"] is None
    assert len(subscription["keys"]["p256dh"]) == 87
    assert len(subscription["keys"]["auth"]) == 22


@pytest.mark.parametrize(
    "plaintext",
    [b"x", b"\x02", b"ends with zeros \0\0", "Grüße, 世界".encode(), b"z" * 3993],
)
def test_what_http_ece_encrypts_opens(alice, plaintext):
    assert alice.decrypt(encrypt(plaintext, alice)) == plaintext


def test_what_pywebpush_encrypts_opens(alice):
    pusher = WebPusher(alice.subscription(ORIGIN))

    assert alice.decrypt(pusher.encode(b"bob wrote")["body"]) == b"bob wrote"


def test_push_for_bob_does_not_open_on_alices_device(alice):
    with pytest.raises(DecryptError, match="does not open"):
        alice.decrypt(encrypt(b"for bob", Device.generate("bob")))


def test_push_with_another_auth_secret_does_not_open(alice):
    stranger = Device("alice", alice.private_key, bytes(16))

    with pytest.raises(DecryptError, match="does not open"):
        alice.decrypt(encrypt(b"hello", stranger))


@pytest.mark.parametrize("place", [0, 25, 86, -1], ids=["salt", "key", "content", "tag"])
def test_a_changed_byte_anywhere_is_noticed(alice, place):
    body = bytearray(encrypt(b"hello", alice))
    body[place] ^= 1

    with pytest.raises(DecryptError):
        alice.decrypt(bytes(body))


def test_content_of_two_records_is_refused(alice):
    with pytest.raises(DecryptError, match="one record"):
        alice.decrypt(encrypt(b"a" * 100, alice, rs=64))


@pytest.mark.parametrize("body", [b"", b"short", bytes(86), bytes(200)])
def test_a_body_that_is_no_push_is_refused(alice, body):
    with pytest.raises(DecryptError, match="header"):
        alice.decrypt(body)


def test_report_parts_what_opens_from_what_does_not(alice):
    def receipt(token, status, body):
        return Receipt("webpush", token, 0.0, 0.0, status, "60", None, None, body)

    good = receipt("alice", 201, encrypt(b"hello", alice))
    broken = receipt("alice", 201, b"broken")
    unknown = receipt("mallory", 201, b"")
    refused = receipt("alice", 429, b"broken")

    report = decrypt_all([good, broken, unknown, refused], [alice])

    assert report.opened == [(good, b"hello")]
    assert [faulty for faulty, _ in report.faults] == [broken, unknown]
