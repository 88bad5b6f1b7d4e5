"""Plans the pushes of a post: slices by follower id, with about equal numbers of subscribers.

Guarantee: the slices of a post contain every follower who had push enabled when it was planned.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from fanout.slices import END, Slice, tile

# The number of followers with push enabled, per author. Authors without such followers are left
# out. Most of them are not in notifications_pushedauthor, so their followers are not read at all:
# otherwise planning 5,000 posts at once would take longer than a push may take.
# It is one join for all authors, because a subquery per author would probe or read the preferences
# once per author. The authors come as an array and not as a join, so that no plan starts with the
# follows.
# Uses the index social_follow_fanout and the primary keys of the other tables.
COUNTS = """
    SELECT followee_id, count(*) FROM social_follow
    JOIN notifications_preference preference ON preference.user_id = follower_id
    WHERE followee_id = ANY(ARRAY(
              SELECT author_id FROM notifications_pushedauthor WHERE author_id = ANY(%s)
          ))
          AND preference.push_enabled
    GROUP BY followee_id
"""
# The follower ids at which slices end. Only for authors with several slices, because it costs
# several times as much as COUNTS. (Skipping from boundary to boundary, as timelines do, takes three
# times as long here: 2.0 instead of 0.6 s for a million followers, a tenth of them with push.)
BOUNDARIES = """
    SELECT followee_id, follower_id FROM (
        SELECT followee_id, follower_id,
               row_number() OVER (PARTITION BY followee_id ORDER BY follower_id) AS number,
               count(*) OVER (PARTITION BY followee_id) AS total
        FROM social_follow
        JOIN notifications_preference preference ON preference.user_id = follower_id
        WHERE followee_id = ANY(%s) AND preference.push_enabled
    ) AS numbered
    WHERE number %% %s = 0 OR number = total
    ORDER BY followee_id, number
"""


def plan(posts: Iterable[tuple[int, int]], size: int) -> list[Slice]:
    """Plan slices of at most `size` subscribers for (post id, author id) pairs. A post gets no
    slice if none of its author's followers has push enabled."""
    posts = list(posts)
    ends = _ends(list({author for _, author in posts}), size)
    return [
        slice_ for post, author in posts if author in ends for slice_ in tile(post, ends[author])
    ]


def _ends(authors: list[int], size: int) -> dict[int, list[int]]:
    """The follower ids at which slices end, per author. Authors without push subscribers are left
    out."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [authors])
        counts = dict(cursor.fetchall())
        # The last slice has no upper bound, so later followers are included.
        ends = {author: [END] for author in counts}
        if large := [author for author, count in counts.items() if count > size]:
            cursor.execute(BOUNDARIES, [large, size])
            several = defaultdict(list)
            for author, follower in cursor:
                several[author].append(follower)
            ends |= several
    return ends
