"""Read posts for pages, as plain tuples by one statement. Such pages are most of what a server
does, and model instances of posts and authors would cost more than everything else."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

# Uses the primary keys of both tables.
SHOWN = """
    SELECT author.id, author.username, post.id, post.content, post.created_at, post.edited_at
    FROM social_post post JOIN social_user author ON author.id = post.author_id
    WHERE post.id = ANY(%s) AND post.deleted_at IS NULL AND author.is_active
"""


class Author(NamedTuple):
    pk: int
    username: str


class ShownPost(NamedTuple):
    """A post with its author; the fields are named as those of the models."""

    author: Author
    pk: int
    content: str
    created_at: datetime
    edited_at: datetime | None


def read(ids: Sequence[int]) -> list[ShownPost]:
    """The posts with these ids, in the given order. Leaves out deleted posts and those of accounts
    that are not active."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, [list(ids)])
        found = {row[2]: ShownPost(Author(*row[:2]), *row[2:]) for row in cursor}
    return [found[pk] for pk in ids if pk in found]
