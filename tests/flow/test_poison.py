"""Messages that nobody can use among good ones, in every queue of running processes."""

import uuid

from devtools.processes import QUEUES
from tests.waiting import until

# With a copy for each of three subscribers and the tasks that follow, well over 500 messages.
POSTS = 165
WAVES = (40, 120)
POISONED = [name for name in QUEUES if name != "dead.letters"]
TAKEN = """
    SELECT subscriber, count(*) FROM events_inboxentry JOIN events_outboxevent USING (event_id)
    WHERE routing_key = 'post.created'
          AND (convert_from(body, 'utf8')::jsonb #>> '{data,post_id}')::bigint = ANY(%s)
    GROUP BY subscriber
"""
LETTERS = "SELECT queue, convert_from(body, 'utf8') FROM events_deadletter WHERE id > %s"


def test_one_percent_of_poison_in_every_queue_harms_no_good_message(world):
    ((last,),) = world.sql("SELECT coalesce(max(id), 0) FROM events_deadletter")
    alice = world.sign_up("alice")
    followers = world.crowd(alice, 10)
    posts, poison = [], []
    for number in range(POSTS):
        posts.append(world.post(alice, f"post {number}"))
        if number in WAVES:
            poison += [(queue, f"poison {uuid.uuid4()}") for queue in POISONED]
            for queue, body in poison[-len(POISONED) :]:
                world.publish(body, queue=queue)
    everywhere = dict.fromkeys(("timelines", "notifications", "analytics"), POSTS)
    until(lambda: dict(world.sql(TAKEN, posts)) == everywhere)
    for post in posts:
        until(lambda post=post: world.owners(post) == followers)
    until(lambda: len(world.sql(LETTERS, last)) >= len(poison))
    assert sorted(world.sql(LETTERS, last)) == sorted(poison)
