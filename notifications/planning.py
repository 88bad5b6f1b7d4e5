"""Planning the pushes of a post: slices by follower id of about equal numbers of subscribers.

Guarantee: the slices of a post hold every follower who had push enabled when it was planned.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from social.slices import END, Slice, tile

# How many of each author's followers have push. Followers by social_follow_fanout, of these the few
# with a preference by its primary key.
COUNTS = """
    SELECT author, (
        SELECT count(*) FROM social_follow
        JOIN notifications_preference preference ON preference.user_id = follower_id
        WHERE followee_id = author AND preference.push_enabled
    )
    FROM unnest(%s::bigint[]) AS author
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
    return [piece for post, author in posts if ends[author] for piece in tile(post, ends[author])]


def _ends(authors: list[int], size: int) -> dict[int, list[int]]:
    """For each author, the followers at whom slices end; none where nobody has push."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [authors])
        counts = dict(cursor.fetchall())
        # A single slice holds everyone, whoever the last follower is.
        ends = {author: [END] if count else [] for author, count in counts.items()}
        if large := [author for author, count in counts.items() if count > size]:
            cursor.execute(BOUNDARIES, [large, size])
            several = defaultdict(list)
            for author, follower in cursor:
                several[author].append(follower)
            ends |= several
    return ends
