"""What a follower's preferences hold back: posts that are listed but not pushed.

Guarantee: it is decided inside the statement that claims the pushes, so that no follower travels
through Python, and who has set no quiet hours and no cap costs a comparison with NULL.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.db import connection

from social.models import Post

HOUR = timedelta(hours=1)

# Whether a user's `preference` says that it is quiet now. Times of day wrap: counted from the begin
# of the quiet hours, their end comes after it, also past midnight.
QUIET = """
    preference.quiet_from IS NOT NULL
    AND (%(now)s::timestamptz AT TIME ZONE preference.time_zone)::time
        - preference.quiet_from::interval
        < preference.quiet_until - preference.quiet_from::interval
"""

# Over a `slice` of a post's audience, a `follow` in it, the follower's `preference` and, outer-
# joined, the `silenced` author: a Held, or NULL for what is pushed. The cap counts by the primary
# key (recipient, post), no further than itself, and among the posts of the last hour: the bounds
# are constants, so that the planner looks at their partitions only.
HELD = f"""
    CASE
        WHEN silenced.author_id IS NOT NULL THEN 'author'
        WHEN {QUIET} THEN 'quiet hours'
        WHEN preference.hourly_cap IS NOT NULL
             AND EXISTS (
                 SELECT FROM notifications_notification earlier
                 WHERE earlier.recipient_id = follow.follower_id
                       AND earlier.post_id > %(hour_before)s AND earlier.post_id < slice.post_id
                       AND earlier.post_id < %(newest)s AND earlier.held IS NULL
                 OFFSET preference.hourly_cap - 1
             )
        THEN 'hourly cap'
    END
"""

# By social_post_by_time.
LAST_UNTIL = "SELECT id FROM social_post WHERE created_at <= %s ORDER BY created_at DESC LIMIT 1"


def hour_before(posts: Iterable[Post]) -> int:
    """The last post that was written an hour or more before the first of these; 0 for none."""
    with connection.cursor() as cursor:
        cursor.execute(LAST_UNTIL, [min(post.created_at for post in posts) - HOUR])
        row = cursor.fetchone()
    return row[0] if row else 0
