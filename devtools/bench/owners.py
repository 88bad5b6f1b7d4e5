"""Makes owners of timelines, the authors they follow, posts and timeline rows for `bin/bench read`,
inside PostgreSQL.

`ordinary` owners all follow the same number of authors, which the benchmark chooses. A few `muting`
owners follow 500 authors and have muted 2 % of them. `dormant` owners follow as many authors as
ordinary ones, and have no rows.
"""

from devtools.lab.progress import Progress

AUTHORS = 6_000
POSTS = 600_000  # 100 of each author
KINDS = {
    "ordinary": range(1, 10_001),
    "muting": range(10_001, 10_006),
    "dormant": range(10_006, 10_026),
}
FOLLOWED, MUTED = 500, 10  # by each muting owner

POPULATION = f"""
    INSERT INTO social_user
        (id, username, name_key, password, first_name, last_name, email,
         is_superuser, is_staff, is_active, date_joined)
    OVERRIDING SYSTEM VALUE
    SELECT id, 'user-' || id, 'user-' || id, '!', '', '', '', false, false, true, now()
    FROM generate_series(1, {KINDS["dormant"][-1]}) AS id;
    INSERT INTO social_post (id, author_id, content, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, id % {AUTHORS} + 1, 'A post of a benchmark, about as long as people write.', now()
    FROM generate_series(1, {POSTS}) AS id;
    -- As beat raises it every few seconds.
    INSERT INTO timelines_watermark (id, post_id, stragglers) VALUES (1, {POSTS}, '{{}}');
    INSERT INTO timelines_dormant (owner_id)
    SELECT generate_series({KINDS["dormant"][0]}, {KINDS["dormant"][-1]});
"""
# Owners follow the authors in turn. No owner follows an author twice, because 101 and the number of
# authors have no common factor.
FOLLOW = f"""
    INSERT INTO social_follow (follower_id, followee_id, created_at, dormant)
    SELECT owner, (owner * 7 + number * 101) % {AUTHORS} + 1, now(), {{dormant}}
    FROM generate_series({{first}}, {{last}}) AS owner, generate_series(1, {{count}}) AS number;
"""
MUTE = f"""
    TRUNCATE social_mute;
    INSERT INTO social_mute (muter_id, muted_id, created_at)
    SELECT follower_id, followee_id, now() FROM (
        SELECT follower_id, followee_id,
               row_number() OVER (PARTITION BY follower_id ORDER BY followee_id) AS number
        FROM social_follow WHERE follower_id BETWEEN {KINDS["muting"][0]} AND {KINDS["muting"][-1]}
    ) AS follow
    WHERE number % ({FOLLOWED} / {MUTED}) = 0;
"""
# The primary key is added last: sorting all rows once is cheaper than inserting each into an index.
FILL = """
    CREATE TABLE timelines_timelineentry_p{first} AS
    SELECT follower_id AS owner_id, post.id AS post_id
    FROM social_post post JOIN social_follow ON followee_id = author_id AND NOT dormant
    WHERE post.id >= {first} AND post.id < {end};
    ALTER TABLE timelines_timelineentry_p{first} ADD PRIMARY KEY (owner_id, post_id);
    ALTER TABLE timelines_timelineentry ATTACH PARTITION timelines_timelineentry_p{first}
        FOR VALUES FROM ({first}) TO ({end});
"""
PARTITIONS = """
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'timelines_timelineentry'::regclass
"""
# Sorts millions of rows. They need not survive a crash.
SESSION = """
    SET statement_timeout = 0; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB';
    SET synchronous_commit = off;
"""


def make(cursor) -> None:
    cursor.execute(SESSION)
    cursor.execute(POPULATION)


def follow(cursor, rows: int) -> None:
    """Make follows so that all ordinary owners together have `rows` timeline rows."""
    each = rows * AUTHORS // (len(KINDS["ordinary"]) * POSTS)
    cursor.execute("TRUNCATE social_follow")
    for name, owners in KINDS.items():
        count = FOLLOWED if name == "muting" else each
        ends = {"first": owners[0], "last": owners[-1]}
        cursor.execute(FOLLOW.format(**ends, count=count, dormant=name == "dormant"))
    cursor.execute(MUTE)
    cursor.execute("VACUUM ANALYZE social_user, social_post, social_follow, social_mute")


def fill(cursor, size: int, progress: Progress) -> None:
    """Replace all rows, with `size` posts in each partition."""
    cursor.execute(PARTITIONS)
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP TABLE {name}")
    for first in range(0, POSTS + 1, size):
        cursor.execute(FILL.format(first=first, end=first + size))
        progress.count(f"{first:,} of {POSTS:,} posts")
    cursor.execute("VACUUM ANALYZE timelines_timelineentry")
