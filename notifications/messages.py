"""What a device is told of a post, and until when."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from social import texts
from social.models import Post

# After this, counted from the post's creation, nobody wants to be rung up for it any more.
TTL = timedelta(hours=24)
EXCERPT_LENGTH = 300


@dataclass(frozen=True)
class Message:
    """`tag` is also the topic at the push service: of two messages with one tag, the device shows
    the later one alone."""

    title: str
    body: str
    tag: str
    post_id: int
    expires_at: datetime

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


def message_of(post: Post) -> Message:
    """The message about a post, of its author and of as much of its content as a device shows."""
    excerpt = texts.excerpt(post.content, EXCERPT_LENGTH)
    return Message(post.author.username, excerpt, f"post-{post.pk}", post.pk, post.created_at + TTL)
