from datetime import UTC, datetime

import pytest

from notifications import webpush
from notifications.messages import message_of
from social.models import Post, User
from stack.push_service import Device

NOW = datetime(2026, 1, 15, tzinfo=UTC)


def message(content: str):
    author = User(username="x" * 150)
    return message_of(Post(pk=2**63 - 1, author=author, content=content, created_at=NOW))


@pytest.mark.parametrize("content", ["x" * 5_000, "ä" * 5_000, "👩" * 5_000, "\x01" * 5_000])
def test_the_longest_post_fits_into_a_push(content):
    plaintext = message(content).encoded
    assert len(plaintext) <= webpush.PLAINTEXT_LIMIT
    device = Device.generate()
    keys = device.subscription("https://push.example.com")["keys"]
    body = webpush.encrypt(plaintext, keys["p256dh"], keys["auth"])
    assert len(body) <= 4_096
    assert device.decrypt(body) == plaintext


def test_a_long_post_is_cut_between_characters():
    assert message("👩" * 301).body == "👩" * 299 + "…"
    assert message("👩" * 300).body == "👩" * 300


def test_a_tag_is_short_enough_for_a_topic():
    assert len(message("x").tag) <= 32
