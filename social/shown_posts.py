"""Posts as readers see them, many at a time: plain tuples and one statement, because pages of them
are what a server mostly reads; models of posts and authors would cost more than all else."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

# By the primary keys of both.
SHOWN = """
    SELECT author.id, author.username, post.id, post.content, post.created_at, post.edited_at
    FROM social_post post JOIN social_user author ON author.id = post.author_id
    WHERE post.id = ANY(%s) AND post.deleted_at IS NULL AND author.is_active
"""


class Author(NamedTuple):
    pk: int
    username: str


class ShownPost(NamedTuple):
    """Named like the model's fields."""

    author: Author
    pk: int
    content: str
    created_at: datetime
    edited_at: datetime | None


def read(ids: Sequence[int]) -> list[ShownPost]:
    """Those of the posts that are not deleted, nor of closed accounts, in the given order."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, [list(ids)])
        found = {row[2]: ShownPost(Author(*row[:2]), *row[2:]) for row in cursor}
    return [found[pk] for pk in ids if pk in found]
