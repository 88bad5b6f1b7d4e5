"""Recovery from a broker that has lost everything, as docs/operations.md describes it."""

import pytest

from devtools.servers import vhosts
from tests.flow.lost_messages import left_waiting, recovered


@pytest.mark.slow  # Consumers and workers come back with their back-off.
def test_posts_that_waited_in_a_wiped_broker_arrive_all_the_same(world, processes, node):
    broker = processes.environ["BROKER_URL"]
    alice = world.sign_up("alice")
    followers = world.crowd(alice, 100)
    posts = left_waiting(world, broker, alice)
    vhosts.fresh(node.environment()["BROKER_MANAGEMENT_URL"], broker, "/")
    recovered(world, processes.environ, posts, followers)
