"""Checks that posts were delivered in time during a fault, and not only after it."""

import time

from devtools.faults.run import Run
from devtools.lab.database import query
from devtools.lab.records import newest_post

# How many posts there are since a given one, how many are late, and the slowest. A post takes until
# its last slice; without any slice it is still waiting. Authors with more than `audience` followers
# are left out.
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
EVERYBODY = 10**9
SETTLE_SECONDS = 3.0


def newest(run: Run) -> int:
    """The newest post's id, for demand_in_time()."""
    return newest_post(run.connect())


def demand_in_time(run: Run, after: int, *, audience: int = EVERYBODY, delay: float = 0.0) -> int:
    """End the load, wait until everything is published, and demand that every post since `after`
    whose author has at most `audience` followers was delivered within the timelines' target plus
    `delay` seconds. Returns the number of these posts."""
    run.load.stop()
    run.until(lambda: not run.pending(), "an empty outbox")
    time.sleep(SETTLE_SECONDS)
    given = {"after": after, "limit": run.people.target + delay, "audience": audience}
    count, late, slowest = query(run.connect(), SLOWEST, given)[0]
    run.figures["slowest_delivery_s"] = round(slowest, 1)
    run.demand(not late, f"{late} of {count} posts took up to {slowest:.1f} s")
    return count
