"""Planning the pushes of a post: slices by follower id of about equal numbers of subscribers.

Guarantee: the slices of a post hold every follower who had push enabled when it was planned.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from social.slices import Slice, tile

# Followers by social_follow_fanout, of these the few with a preference by its primary key.
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
    with connection.cursor() as cursor:
        cursor.execute(BOUNDARIES, [list({author for _, author in posts}), size])
        ends = defaultdict(list)
        for author, follower in cursor:
            ends[author].append(follower)
    return [piece for post, author in posts if ends[author] for piece in tile(post, ends[author])]
