"""What the API shows of a person and a post: plain dictionaries, made by hand because lists of them
are what a server mostly writes. The serializers of the same names describe them to clients."""

from datetime import datetime

from social.follow_counts import FollowCounts
from social.models import Post, User
from social.shown_posts import Author, ShownPost


def person(user: User | Author) -> dict:
    return {"id": user.pk, "username": user.username}


def post(row: Post | ShownPost) -> dict:
    """Of a post whose author has been read with it."""
    return {
        "id": row.pk,
        "author": person(row.author),
        "content": row.content,
        "created_at": moment(row.created_at),
        "edited_at": moment(row.edited_at),
    }


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC, as all times of the API."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def profile(user: User, counts: FollowCounts) -> dict:
    return person(user) | {"joined_at": moment(user.date_joined)} | counts._asdict()
