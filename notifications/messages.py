"""What a device is told of a post, and until when."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from notifications.holding import TTL
from social import texts
from social.models import Post

# A new post wakes a sleeping device at once. What comes later than this waits until it wakes.
URGENT = timedelta(minutes=1)
EXCERPT_LENGTH = 300
SUMMARY = "There are more new posts in your notifications."


@dataclass(frozen=True)
class Message:
    """`tag` is also the topic at the push service: of two messages with one tag, the device shows
    the later one alone."""

    title: str
    body: str
    tag: str
    post_id: int
    expires_at: datetime
    urgent_until: datetime | None = None

    def urgency(self, now: datetime) -> str:
        """As RFC 8030, section 5.3, has it."""
        return "high" if self.urgent_until is None or now < self.urgent_until else "normal"

    @cached_property
    def encoded(self) -> bytes:
        """JSON with title, body, tag and post_id: at most 3 KB, whatever the post says."""
        content = {
            "title": self.title,
            "body": self.body,
            "tag": self.tag,
            "post_id": self.post_id,
        }
        return json.dumps(content, ensure_ascii=False).encode()


def topic(kind: str, number: int) -> str:
    """24 characters for every number up to 2**63 - 1. Push services take at most 32 of base64url
    (RFC 8030, section 5.4), and Apple's decodes them: no base64 has a length of 1 modulo 4.
    `kind` has four letters."""
    return f"{kind}-{number:019d}"


def message_of(post: Post) -> Message:
    """The message about a post, of its author and of as much of its content as a device shows."""
    excerpt = texts.excerpt(post.content, EXCERPT_LENGTH)
    return _message(post, post.author.username, excerpt, topic("post", post.pk))


def summary_of(post: Post) -> Message:
    """The message that stands for this post and those after it that are not pushed. A device shows
    the latest one only."""
    return _message(post, "Connectify", SUMMARY, topic("more", 0))


def _message(post: Post, title: str, body: str, tag: str) -> Message:
    since = post.created_at
    return Message(title, body, tag, post.pk, since + TTL, urgent_until=since + URGENT)
