"""The JSON objects of a person and a post. They are built by hand for speed, because servers mostly
write lists of them. The serializers of the same names describe them in the OpenAPI document."""

from datetime import datetime
from typing import Any

from social.follow_counts import FollowCounts
from social.models import Post, Profile, User
from social.shown_posts import Author, ShownPost


def person(user: User | Author) -> dict[str, Any]:
    return {"id": user.pk, "username": user.username}


def post(row: Post | ShownPost) -> dict[str, Any]:
    """The JSON object of a post, whose author must have been read with it (no query is made)."""
    return {
        "id": row.pk,
        "author": person(row.author),
        "content": row.content,
        "created_at": moment(row.created_at),
        "edited_at": moment(row.edited_at),
    }


def moment(time: datetime | None) -> str | None:
    """The time in ISO 8601, in UTC with "Z", as everywhere in the API."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def profile(said: Profile, counts: FollowCounts) -> dict[str, Any]:
    """The JSON object of a person; `said` is what they say about themselves."""
    return {
        **person(said.user),
        "display_name": said.display_name,
        "bio": said.bio,
        "joined_at": moment(said.user.date_joined),
        **counts._asdict(),
    }
