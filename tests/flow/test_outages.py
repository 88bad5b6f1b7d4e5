"""What happens to posts while a part of the house is down."""

import time

from tests.waiting import until


def test_without_the_broker_posts_are_taken_and_arrive_when_it_is_back(world, node):
    alice = world.sign_up("alice")
    followers = world.crowd(alice, 500)
    before = world.post(alice, "before")
    until(lambda: world.owners(before) == followers)
    node.rabbitmq.stop()
    try:
        posts = [world.post(alice, f"post {number}") for number in range(5)]
        assert [world.owners(post_id) for post_id in posts] == [set()] * 5
    finally:
        node.rabbitmq.start()
        node.rabbitmq.wait_ready()
    for post_id in posts:
        until(lambda post_id=post_id: world.owners(post_id) == followers, 60)
    pending = "SELECT count(*) FROM events_outboxevent WHERE published_at IS NULL"
    until(lambda: world.sql(pending) == [(0,)])


def test_a_worker_killed_in_mid_slice_loses_nothing_and_doubles_nothing(world, processes):
    alice = world.sign_up("alice")
    followers = world.crowd(alice, 3_000)
    lock = world.transaction()
    with lock.cursor() as cursor:
        # A worker that comes to write its slice waits here, in the middle of its statement.
        cursor.execute("LOCK TABLE timelines_slicerecord IN ACCESS EXCLUSIVE MODE")
        posts = [world.post(alice, f"post {number}") for number in range(6)]
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND query LIKE '%%timelines_slicerecord%%'"
            " AND datname = current_database()"
        )
        until(lambda: world.sql(waiting)[0][0] > 0)
        processes.kill("timelines-high-worker")
    lock.rollback()
    lock.close()
    time.sleep(0.5)
    assert [world.owners(post_id) for post_id in posts] == [set()] * 6
    processes.start("timelines-high-worker")
    for post_id in posts:
        until(lambda post_id=post_id: world.owners(post_id) == followers, 60)
    # Each slice is in the ledger once, with all its rows.
    ledger = world.sql("SELECT sum(rows) FROM timelines_slicerecord WHERE post_id = ANY(%s)", posts)
    assert ledger == [(6 * 3_000,)]
    # And counted once.
    counted = (
        "SELECT sum((slice ->> 'rows')::int)"
        " FROM analytics_eventrecord, jsonb_array_elements(data -> 'slices') AS slice"
        " WHERE event_type = 'timeline.delivered' AND (slice ->> 'post_id')::bigint = ANY(%s)"
    )
    until(lambda: world.sql(counted, posts) == [(6 * 3_000,)])


def test_new_posts_overtake_the_back_fills_that_wait(world, processes):
    alice, bob, carol = (world.sign_up(name) for name in ("alice", "bob", "carol"))
    world.follow(bob, alice)
    old = world.post(alice, "old")
    until(lambda: world.owners(old) == {bob.id})
    processes.end("timelines-low-worker")
    world.follow(carol, alice)
    new = world.post(alice, "new")
    until(lambda: world.owners(new) == {bob.id, carol.id})
    assert world.owners(old) == {bob.id}
    processes.start("timelines-low-worker")
    until(lambda: world.owners(old) == {bob.id, carol.id}, 60)
