"""What a follower's preferences hold back: posts that are listed but not pushed.

Guarantee: it is decided inside the statement that claims the pushes, so that no follower travels
through Python; users without quiet hours and without a cap cost a comparison with NULL. Within any
hour no more posts are pushed to a user than the cap says, however late they come and however many
tasks are at it, and one summary an hour stands for the rest.
"""

from datetime import timedelta

HOUR = timedelta(hours=1)
# After this, counted from the post's creation, nobody wants to be rung up for it any more.
TTL = timedelta(hours=24)

# Whether a user's `preference` says that it is quiet now. Times of day wrap: counted from the begin
# of the quiet hours, their end comes after it, also past midnight.
QUIET = """
    preference.quiet_from IS NOT NULL
    AND notifications_clock(%(now)s::timestamptz, preference.time_zone)
        - preference.quiet_from::interval
        < preference.quiet_until - preference.quiet_from::interval
"""

# Over the `preference` of a follower and, outer-joined, the `silenced` author: a Held, or NULL.
HELD = f"""
    CASE
        WHEN silenced.author_id IS NOT NULL THEN 'author'
        WHEN {QUIET} THEN 'quiet hours'
    END
"""

# CTEs that follow one named `asked`, which holds pushes that may be held back: (post_id,
# user_id, fresh). Those that are not fresh, because their post is an hour old, get no slot.
# `locked` are the users' preferences, in the order of their ids, each as the one before has left
# it: in READ COMMITTED a row that was waited for is read anew. `judged` says which pushes are
# `allowed`, and `rest` for which post of a user a summary is pushed in its place: one that has not
# expired, for with it the summary would.
SLOTS = """
    locked AS MATERIALIZED (
        SELECT user_id, hourly_cap, summed_up_at,
               ARRAY(SELECT post_id FROM unnest(pushed, pushed_at) AS slot (post_id, at)
                     WHERE at > %(hour_ago)s) AS pushed,
               ARRAY(SELECT at FROM unnest(pushed_at) AS at WHERE at > %(hour_ago)s) AS pushed_at
        FROM notifications_preference
        WHERE user_id = ANY(ARRAY(SELECT user_id FROM asked))
        ORDER BY user_id FOR NO KEY UPDATE
    ), numbered AS MATERIALIZED (
        SELECT asked.*, post_id = ANY(locked.pushed) AS has_slot,
               row_number() OVER (
                   PARTITION BY user_id, fresh, post_id = ANY(locked.pushed) ORDER BY post_id
               ) AS number
        FROM (SELECT DISTINCT * FROM asked) AS asked JOIN locked USING (user_id)
    ), judged AS MATERIALIZED (
        SELECT numbered.*,
               has_slot OR fresh AND (
                   hourly_cap IS NULL OR number <= hourly_cap - cardinality(locked.pushed)
               ) AS allowed
        FROM numbered JOIN locked USING (user_id)
    ), rest AS MATERIALIZED (
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
               EXISTS (SELECT FROM rest WHERE rest.user_id = locked.user_id) AS sums_up
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
