"""Were posts delivered in time throughout a fault, and not only after it?"""

from typing import TYPE_CHECKING

from devtools.faults.database import query

if TYPE_CHECKING:
    from devtools.faults.scene import Scene

# The target of the subscriber "timelines".
TARGET_SECONDS = 30.0

# Posts since a time, by how long their last slice took; one without any slice still waits. Those of
# larger audiences than `audience` are left out.
SLOWEST = """
    SELECT count(*), count(*) FILTER (WHERE seconds > %(limit)s), coalesce(max(seconds), 0)::float
    FROM social_post post
    CROSS JOIN LATERAL (
        SELECT extract(epoch FROM coalesce(max(written_at), statement_timestamp())
                                  - post.created_at) AS seconds
        FROM timelines_slicerecord WHERE post_id = post.id
    ) AS delivery
    WHERE post.id > %(after)s AND %(audience)s >= (
        SELECT count(*) FROM social_follow WHERE followee_id = post.author_id
    )
"""
NEWEST = "SELECT coalesce(max(id), 0) FROM social_post"
EVERYBODY = 10**9


def newest(scene: "Scene") -> int:
    """The id of the newest post, for demand_in_time()."""
    return query(scene.sql(), NEWEST)[0][0]


def demand_in_time(
    scene: "Scene", after: int, *, audience: int = EVERYBODY, allowed: float = TARGET_SECONDS
) -> int:
    """Demand that every post since `after` whose author has at most `audience` followers was
    delivered within `allowed` seconds; returns how many that were. Call it when all is delivered.
    """
    given = {"after": after, "limit": allowed, "audience": audience}
    count, late, slowest = query(scene.sql(), SLOWEST, given)[0]
    scene.figures["slowest_delivery_s"] = round(slowest, 1)
    scene.demand(not late, f"{late} of {count} posts took up to {slowest:.1f} s")
    return count
