"""Read marks: the posts that a user's client has reported as read, up to some post.

Guarantee: a post that arrives after the mark was made, with an id below the mark, is unread. No
other post below the mark becomes unread again. Marks only move forward, in whatever order clients
send them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadPosts:
    """The posts that are read: all with an id up to `floor`, and those in `above`, ascending, which
    had arrived when the mark was made. A post above the floor that arrives later is unread."""

    floor: int = 0
    above: tuple[int, ...] = ()

    def __contains__(self, post_id: int) -> bool:
        return post_id <= self.floor or post_id in self.above

    @classmethod
    def of(cls, up_to: int, floor: int | None, above: list[int] | None) -> "ReadPosts":
        """From the columns of a row. `floor` is None in rows from before that column existed: all
        posts up to `up_to` are read then."""
        return cls(up_to if floor is None else floor, tuple(above or ()))


# The SET clause of an upsert into a table AS mark; {up_to}, {floor} and {above} are the table's
# columns for the mark.
MERGED = """
    {up_to} = greatest(mark.{up_to}, excluded.{up_to}),
    {floor} = greatest(coalesce(mark.{floor}, mark.{up_to}), excluded.{floor}),
    {above} = ARRAY(
        SELECT DISTINCT post_id FROM unnest(mark.{above} || excluded.{above}) AS post_id
        WHERE post_id > greatest(coalesce(mark.{floor}, mark.{up_to}), excluded.{floor})
        ORDER BY post_id
    )
"""
READ = {"floor": "read_floor", "above": "read_above"}
