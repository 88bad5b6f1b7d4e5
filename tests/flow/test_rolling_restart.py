"""A deploy: every process is replaced, one after the other, while people post."""

import os
import signal
import threading

import pytest
import requests

from tests.waiting import until

# In this order, after the web, which takes its new code by SIGHUP and keeps its socket.
TIERS = ("relay", "-consumer", "-worker")
COUNTED = """
    SELECT count(*), sum(rows) FROM timelines_slicerecord WHERE post_id = ANY(%s)
"""
# A post's event is counted once by analytics, whoever was asked twice to count it.
RECORDED = """
    SELECT count(*) FROM analytics_eventrecord
    WHERE event_type = 'post.created' AND (data ->> 'post_id')::bigint = ANY(%s)
"""


@pytest.mark.slow  # Nine processes stop and start.
@pytest.mark.timeout(400)
def test_a_rolling_restart_drops_no_request_and_repeats_no_effect(world, processes):
    alice = world.sign_up("alice")
    followers = world.crowd(alice, 200)
    posts, failures, over = [], [], threading.Event()
    url, headers = f"{processes.origin}/api/v1/posts/", {"Authorization": f"Bearer {alice.token}"}

    def write() -> None:
        while not over.wait(0.1):
            try:
                # Each request by a connection of its own, as from many people.
                answer = requests.post(url, json={"content": "hi"}, headers=headers, timeout=60)
                answer.raise_for_status()
                posts.append(answer.json()["id"])
            except requests.RequestException as error:
                failures.append(repr(error))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: len(posts) > 3)
        os.kill(processes.pid("web"), signal.SIGHUP)
        for tier in TIERS:
            for name in [name for name in processes.table if name.endswith(tier)]:
                processes.restart(name)
        reached = len(posts)
        until(lambda: len(posts) > reached + 3)
    finally:
        over.set()
        writer.join()
    assert failures == []
    for post_id in posts:
        until(lambda post_id=post_id: world.owners(post_id) == followers, 60)
    assert world.sql(COUNTED, posts) == [(len(posts), len(posts) * len(followers))]
    until(lambda: world.sql(RECORDED, posts) == [(len(posts),)])
