"""The JSON objects of a person and a post. They are built by hand for speed, because servers mostly
write lists of them. The serializers of the same names describe them in the OpenAPI document."""

from datetime import datetime
from typing import Any

from social.follow_counts import FollowCounts
from social.models import Post, User
from social.relationships import Relationship
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


def own_profile(user: User, counts: FollowCounts) -> dict[str, Any]:
    return person(user) | {"joined_at": moment(user.date_joined)} | counts._asdict()


def profile(user: User, counts: FollowCounts, relationship: Relationship | None) -> dict[str, Any]:
    """The JSON object of a person; `relationship` is what they are to the viewer."""
    shown = relationship and relationship._asdict()
    return own_profile(user, counts) | {"relationship": shown}
