"""Planning the pushes of a post: slices by follower id of about equal numbers of subscribers.

Guarantee: the slices of a post hold every follower who had push enabled when it was planned.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from fanout.slices import END, Slice, tile

# How many of each author's followers have push, for those who have any. Of the others, most of
# which are not in notifications_pushedauthor, no follower is looked at: 5,000 posts at once would
# otherwise take planning longer than a push may take. One join for all authors: a subquery for each
# would probe, or read, the preferences as many times. An array, and no join, so that no plan begins
# with the follows.
COUNTS = """
    SELECT followee_id, count(*) FROM social_follow
    JOIN notifications_preference preference ON preference.user_id = follower_id
    WHERE followee_id = ANY(ARRAY(
              SELECT author_id FROM notifications_pushedauthor WHERE author_id = ANY(%s)
          ))
          AND preference.push_enabled
    GROUP BY followee_id
"""
# Where slices end, of those alone who have several: it costs several times as much.
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
    """Slices of at most `size` subscribers for (post id, author id) pairs; none for a post whose
    author's followers have all stayed away from push."""
    posts = list(posts)
    ends = _ends(list({author for _, author in posts}), size)
    return [piece for post, author in posts if author in ends for piece in tile(post, ends[author])]


def _ends(authors: list[int], size: int) -> dict[int, list[int]]:
    """The followers at whom slices end, of each author of whose followers anybody has push."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [authors])
        counts = dict(cursor.fetchall())
        # A single slice holds everyone, whoever the last follower is.
        ends = {author: [END] for author in counts}
        if large := [author for author, count in counts.items() if count > size]:
            cursor.execute(BOUNDARIES, [large, size])
            several = defaultdict(list)
            for author, follower in cursor:
                several[author].append(follower)
            ends |= several
    return ends
