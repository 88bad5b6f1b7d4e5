"""Feeds as sorted sets in Valkey, as feed libraries keep them: one pipeline per post with one ZADD
per follower, and an occasional trim."""

import os
import random
import time
from collections.abc import Sequence

import psycopg2
import redis

FEED_LENGTH = 800
# Stream-Framework trims with this probability at each insertion, Mastodon at every insertion.
TRIM_CHANCE = 0.01
FOLLOWERS = "SELECT follower_id FROM social_follow WHERE followee_id = %s"


def sorted_sets(posts: Sequence[tuple[int, int]]) -> list[tuple[float, int]]:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    valkey = redis.Redis.from_url(os.environ["REDIS_URL"])
    draw = random.Random(1).random
    commits = []
    with connection.cursor() as cursor:
        for post, author in posts:
            cursor.execute(FOLLOWERS, [author])
            followers = cursor.fetchall()
            pipeline = valkey.pipeline(transaction=False)
            for (follower,) in followers:
                feed = f"feed:{follower}"
                pipeline.zadd(feed, {str(post): post})
                if draw() < TRIM_CHANCE:
                    pipeline.zremrangebyrank(feed, 0, -FEED_LENGTH - 1)
            pipeline.execute()
            commits.append((time.monotonic(), len(followers)))
    connection.close()
    valkey.close()
    return commits
