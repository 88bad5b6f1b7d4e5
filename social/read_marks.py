"""What somebody says that they have read of their posts: up to a post, and what was there by then.

Guarantee: a post that comes late, with a lower id than the mark, is not read; nothing else that was
marked becomes unread again. Marks move forward only, in whatever order they come.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadPosts:
    """All up to post `floor`, where nothing was missing or nobody would look for it, and the posts
    `above` it that were there, ascending."""

    floor: int = 0
    above: tuple[int, ...] = ()

    def __contains__(self, post_id: int) -> bool:
        return post_id <= self.floor or post_id in self.above

    @classmethod
    def of(cls, up_to: int, floor: int | None, above: list[int] | None) -> "ReadPosts":
        """As it is kept: a mark from before there were floors is one itself."""
        return cls(up_to if floor is None else floor, tuple(above or ()))


# What an upsert into a table AS mark sets, whose mark is in the column {up_to}.
MERGED = """
    {up_to} = greatest(mark.{up_to}, excluded.{up_to}),
    read_floor = greatest(coalesce(mark.read_floor, mark.{up_to}), excluded.read_floor),
    read_above = ARRAY(
        SELECT DISTINCT post_id FROM unnest(mark.read_above || excluded.read_above) AS post_id
        WHERE post_id > greatest(coalesce(mark.read_floor, mark.{up_to}), excluded.read_floor)
        ORDER BY post_id
    )
"""
