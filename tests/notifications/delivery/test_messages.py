import base64
from datetime import UTC, datetime, timedelta

import pytest

from devtools.push_service import Device
from notifications.delivery import webpush
from notifications.delivery.messages import message_of, topic
from social.models import Post, User

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


@pytest.mark.parametrize("number", [1, 999, 1_000, 1_001, 9_999, 10_000_000, 2**63 - 1])
@pytest.mark.parametrize("kind", ["post", "test", "more"])
def test_a_topic_has_one_length_that_every_push_service_takes(kind, number):
    tag = topic(kind, number)
    assert len(tag) == 24
    assert base64.urlsafe_b64encode(base64.urlsafe_b64decode(tag)).decode() == tag


@pytest.mark.django_db
def test_a_push_wakes_a_device_within_a_minute_and_not_later(post):
    message = message_of(post)
    assert message.urgency(post.created_at + timedelta(seconds=59)) == "high"
    assert message.urgency(post.created_at + timedelta(seconds=60)) == "normal"
