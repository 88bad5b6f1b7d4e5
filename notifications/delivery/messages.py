"""The messages that are pushed to devices."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from notifications.delivery.suppression import TTL
from social import texts
from social.models import Post

# A push within this time of its post wakes a sleeping device at once. A later one waits until the
# device wakes by itself.
URGENT = timedelta(minutes=1)
EXCERPT_LENGTH = 300
SUMMARY = "There are more new posts in your notifications."


@dataclass(frozen=True)
class Message:
    """A message. `tag` is also the topic at the push service: of two messages with the same tag,
    the device shows only the later one."""

    title: str
    body: str
    tag: str
    post_id: int
    expires_at: datetime
    urgent_until: datetime | None = None

    def urgency(self, now: datetime) -> str:
        """The Urgency header (RFC 8030, section 5.3)."""
        return "high" if self.urgent_until is None or now < self.urgent_until else "normal"

    @cached_property
    def encoded(self) -> bytes:
        """JSON with title, body, tag and post_id; at most 3 KB, whatever the post contains."""
        content = {
            "title": self.title,
            "body": self.body,
            "tag": self.tag,
            "post_id": self.post_id,
        }
        return json.dumps(content, ensure_ascii=False).encode()


def topic(kind: str, number: int) -> str:
    """A topic of 24 characters, for a `kind` of four letters and a number up to 2**63 - 1. Push
    services accept at most 32 characters of base64url (RFC 8030, section 5.4). Apple's also decodes
    the topic, and so refuses a length of 1 modulo 4, which base64 never has."""
    return f"{kind}-{number:019d}"


def message_of(post: Post) -> Message:
    """The message about a post: its author, and as much of its content as a device shows."""
    excerpt = texts.excerpt(post.content, EXCERPT_LENGTH)
    return _message(post, post.author.username, excerpt, topic("post", post.pk))


def summary_of(post: Post) -> Message:
    """The summary that replaces the suppressed pushes of this post and later ones. A device shows
    only the latest summary."""
    return _message(post, "Connectify", SUMMARY, topic("more", 0))


def _message(post: Post, title: str, body: str, tag: str) -> Message:
    since = post.created_at
    return Message(title, body, tag, post.pk, since + TTL, urgent_until=since + URGENT)
