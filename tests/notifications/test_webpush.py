from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.management import call_command

from notifications import webpush
from social.models import Post, User
from stack.push_service import Device, verify_vapid

ENDPOINT = "https://push.example.com/push/abc"
NOW = datetime(2026, 1, 15, tzinfo=UTC).timestamp()


@pytest.fixture
def signer() -> webpush.Signer:
    return webpush.Signer(settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)


def test_the_signature_is_for_the_endpoints_origin(signer):
    header = signer.authorization(ENDPOINT, NOW)
    verify_vapid(header, origin="https://push.example.com", now=NOW, key=signer.public_key)


def test_a_signature_is_kept_for_hours_and_renewed_before_it_ends(signer):
    first = signer.authorization(ENDPOINT, NOW)
    assert signer.authorization(ENDPOINT, NOW + 3600) == first
    later = NOW + webpush.SIGNATURE_SECONDS - 60
    renewed = signer.authorization(ENDPOINT, later)
    assert renewed != first
    verify_vapid(renewed, origin="https://push.example.com", now=later, key=signer.public_key)


@pytest.mark.parametrize("content", ["x" * 5_000, "ä" * 5_000, "👩" * 5_000, "\x01" * 5_000])
def test_the_longest_post_fits_into_a_push(content):
    author = User(username="x" * 150)
    plaintext = webpush.payload(Post(pk=2**63 - 1, author=author, content=content))
    assert len(plaintext) <= webpush.PLAINTEXT_LIMIT
    device = Device.generate()
    keys = device.subscription("https://push.example.com")["keys"]
    body = webpush.encrypt(plaintext, keys["p256dh"], keys["auth"])
    assert len(body) <= 4_096
    assert device.decrypt(body) == plaintext


def test_a_topic_is_short_enough():
    assert len(webpush.topic(2**63 - 1)) <= 32


def test_generated_keys_sign(capsys):
    call_command("generate_vapid_keys")
    private, public = (line.split()[-1] for line in capsys.readouterr().out.splitlines())
    signer = webpush.Signer(private.removeprefix("VAPID_PRIVATE_KEY="), "mailto:a@example.com")
    assert signer.public_key == public
    header = signer.authorization(ENDPOINT, NOW)
    verify_vapid(header, origin="https://push.example.com", now=NOW, key=public)
