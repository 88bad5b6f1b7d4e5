"""Suppression of pushes by a follower's preferences: such posts are listed, but not pushed.

Tables and the API call a suppressed push `held`.

Guarantee: the statement that claims the pushes decides it, so no follower is loaded into Python. A
user without quiet hours and without a cap costs only comparisons with NULL. Within any hour a user
gets pushes of at most `hourly_cap` posts, however late these come and however many tasks claim at
the same time, plus one summary for the suppressed posts.
"""

from datetime import timedelta

HOUR = timedelta(hours=1)
# A push expires when its post is this old: nobody wants to be alerted to an older post.
TTL = timedelta(hours=24)

# Whether it is now within the quiet hours of a `preference`. Both sides are counted from the start
# of the quiet hours and wrap at midnight, so it also holds for hours that span midnight.
QUIET = """
    preference.quiet_from IS NOT NULL
    AND notifications_clock(%(now)s::timestamptz, preference.time_zone)
        - preference.quiet_from::interval
        < preference.quiet_until - preference.quiet_from::interval
"""

# Why a push to a follower is suppressed, as a value of Held, or NULL. Reads the follower's
# `preference` and the outer-joined `silenced` author.
HELD = f"""
    CASE
        WHEN silenced.author_id IS NOT NULL THEN 'author'
        WHEN {QUIET} THEN 'quiet hours'
    END
"""

# CTEs that apply the hourly cap. They follow a CTE named `candidates`: (post_id, user_id, fresh).
# A push that is not fresh, because its post is an hour old, gets no slot of the cap.
# `locked`: the users' preferences, locked in the order of their ids. In READ COMMITTED a row is
# read again after waiting for its lock, so each transaction sees the slots that the previous one
# took.
# `judged`: whether each push is `allowed`.
# `summaries`: for which post of a user the summary is pushed. It must be one that has not expired,
# because the summary expires with it.
# `noted`: saves the slots that were taken.
SLOTS = """
    locked AS MATERIALIZED (
        SELECT user_id, hourly_cap, summed_up_at,
               ARRAY(SELECT post_id FROM unnest(pushed, pushed_at) AS slot (post_id, at)
                     WHERE at > %(hour_ago)s) AS pushed,
               ARRAY(SELECT at FROM unnest(pushed_at) AS at WHERE at > %(hour_ago)s) AS pushed_at
        FROM notifications_preference
        WHERE user_id = ANY(ARRAY(SELECT user_id FROM candidates))
        ORDER BY user_id FOR NO KEY UPDATE
    ), numbered AS MATERIALIZED (
        SELECT candidates.*, post_id = ANY(locked.pushed) AS has_slot,
               row_number() OVER (
                   PARTITION BY user_id, fresh, post_id = ANY(locked.pushed) ORDER BY post_id
               ) AS number
        FROM (SELECT DISTINCT * FROM candidates) AS candidates JOIN locked USING (user_id)
    ), judged AS MATERIALIZED (
        SELECT numbered.*,
               has_slot OR fresh AND (
                   hourly_cap IS NULL OR number <= hourly_cap - cardinality(locked.pushed)
               ) AS allowed
        FROM numbered JOIN locked USING (user_id)
    ), summaries AS MATERIALIZED (
        SELECT user_id, min(post_id) AS post_id
        FROM judged JOIN locked USING (user_id)
        WHERE NOT allowed AND (summed_up_at IS NULL OR summed_up_at <= %(hour_ago)s)
              AND (SELECT created_at FROM social_post WHERE id = post_id) > %(expired)s
        GROUP BY user_id
    ), slots AS MATERIALIZED (
        SELECT user_id, pushed, pushed_at, summed_up_at,
               ARRAY(SELECT post_id FROM judged
                     WHERE judged.user_id = locked.user_id AND allowed AND NOT has_slot
                           AND hourly_cap IS NOT NULL) AS taken,
               EXISTS (
                   SELECT FROM summaries WHERE summaries.user_id = locked.user_id
               ) AS sums_up
        FROM locked
    ), noted AS (
        UPDATE notifications_preference preference
        SET pushed = slots.pushed || slots.taken,
            pushed_at = slots.pushed_at
                        || array_fill(%(now)s::timestamptz, ARRAY[cardinality(slots.taken)]),
            summed_up_at = CASE WHEN sums_up THEN %(now)s ELSE slots.summed_up_at END
        FROM slots
        WHERE preference.user_id = slots.user_id AND (sums_up OR cardinality(slots.taken) > 0)
    )
"""
