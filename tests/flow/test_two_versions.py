"""A deploy: processes of the former version and of this one work side by side on one database and
one broker, and this one does the tasks that the former has left."""

import subprocess
import uuid
from pathlib import Path

import pytest

from devtools.servers import databases
from tests.environment import own_name
from tests.flow.conftest import ROOT, own, running
from tests.flow.world import World
from tests.waiting import until

# The last commit before slices, ledger, partitions and retention moved to the app `fanout`.
FORMER = "93e74d6"
FOLLOWERS = 120
WORKERS = (
    *("timelines-high-worker", "timelines-low-worker"),
    *("notifications-high-worker", "notifications-retry-worker", "maintenance-worker"),
)
COUNTED = """
    SELECT count(*), sum(rows) FROM timelines_slicerecord WHERE post_id = ANY(%s)
"""
TOLD = "SELECT count(*) FROM notifications_notification WHERE post_id = ANY(%s)"
WAITING = """
    SELECT count(*) FROM timelines_fanout WHERE post_id = ANY(%s) AND finished_at IS NULL
"""


@pytest.fixture
def former(tmp_path) -> Path:
    """The files of the former version. Its requirements must be those of this one."""
    root = tmp_path / "former"
    root.mkdir()
    packed = subprocess.run(["git", "archive", FORMER], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"this clone has no commit {FORMER}: git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", root], input=packed.stdout, check=True)
    return root


@pytest.mark.slow  # Two sets of processes start.
@pytest.mark.timeout(500)
def test_two_versions_work_side_by_side(node, former, tmp_path):
    url = databases.make(f"{node.environment()['DATABASE_URL']}", own_name("two_versions"))
    environ = own(node, url)
    databases.migrate(ROOT, environ)
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    without = {"flower", "beat"}
    with running(environ, tmp_path / "old", {*without, *WORKERS}, root=former) as old:
        world = World(old.origin, url, environ["BROKER_URL"])
        alice = world.sign_up("alice")
        followers = world.crowd(alice, FOLLOWERS)
        world.sql(
            "INSERT INTO notifications_preference (user_id, push_enabled)"
            " SELECT unnest(%s), true RETURNING user_id",
            list(followers),
        )
        left = [world.post(alice, f"left {uuid.uuid4()}") for _ in range(5)]
        # The former version has planned these; their tasks wait for a worker.
        until(lambda: world.sql(WAITING, left) == [(len(left),)], 60)
        with running(environ, tmp_path / "new", without) as new:
            for post_id in left:
                until(lambda post_id=post_id: world.owners(post_id) == followers, 60)
            with running(environ, tmp_path / "old", {*without, "web", "relay"}, root=former):
                both = []
                for number in range(40):
                    world.go_to((old, new)[number % 2].origin)
                    both.append(world.post(alice, f"post {number}"))
                for post_id in both:
                    until(lambda post_id=post_id: world.owners(post_id) == followers, 60)
        posts = left + both
        assert world.sql(COUNTED, posts) == [(len(posts), len(posts) * FOLLOWERS)]
        assert world.sql(TOLD, posts) == [(len(posts) * FOLLOWERS,)]
        assert world.sql("SELECT count(*) FROM events_deadletter") == [(0,)]
        world.close()
