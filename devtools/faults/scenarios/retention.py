"""Retention on a site where nobody has posted for longer than rows are kept."""

import time

from devtools.faults.burst import burst
from devtools.faults.declaration import scenario
from devtools.faults.management import ailments, manage
from devtools.faults.phones import FINE, Phones, phones
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.pushes import demand_arrivals, settled
from devtools.faults.run import Run
from devtools.lab.database import KEPT_FOR_DAYS, empty, execute, query

# Enough for three partitions of 200 posts (see environment.py): 600 posts.
OLD_OF_AUTHOR = 10
LOAD_SECONDS = 15.0
LONG_AGO = "UPDATE social_post SET created_at = created_at - interval '40 days'"
POSTS = "SELECT id FROM social_post"
UNWRITTEN = """
    SELECT count(*) FROM timelines_fanout fan_out
    WHERE slices > (SELECT count(*) FROM timelines_slicerecord WHERE post_id = fan_out.post_id)
"""
PLANNED = "SELECT count(*) FROM timelines_fanout"
WATERMARK = "SELECT post_id FROM timelines_watermark"
HORIZONS = "SELECT table_name, post_id FROM social_horizon"
NOTIFIED = "SELECT recipient_id, post_id FROM notifications_notification WHERE post_id > %(old)s"


@scenario(
    47,
    "retention on a site without new posts, then a post",
    "partitions dropped; posts after it; users notified; pushes",
    limit=180,
)
def quiet_site(run: Run) -> None:
    connection = run.connect()
    made = burst(connection, run.people.authors, OLD_OF_AUTHOR)
    run.until(lambda: query(connection, PLANNED) == [(made,)], "old posts planned", 60)
    run.until(lambda: query(connection, UNWRITTEN) == [(0,)], "old posts written", 60)
    run.until(lambda: not any(run.broker.depths().values()), "empty queues", 60)
    run.until(lambda: not run.pending(), "an empty outbox")
    last = newest(run)
    run.until(lambda: query(connection, WATERMARK) == [(last,)], "the watermark")
    execute(connection, LONG_AGO)
    # The bus keeps these rows for 35 days at most, so they are gone as well.
    empty(connection, *KEPT_FOR_DAYS)
    run.old = frozenset(pk for (pk,) in query(connection, POSTS))
    run.watch.expired = last
    with phones(run.people, ["other"]) as devices:
        devices.register(connection)
        with run.fault():
            said = [manage(run, "partitions", "--drop-expired", "--yes") for _ in range(2)]
            dropped = sum(words.count("dropped timelines_") for words in said)
            run.count("partitions dropped", dropped)
            judge_horizons(run, connection)
            since = newest(run)
            run.begin_load(rate=4, follows=0.0)
            time.sleep(LOAD_SECONDS)
        run.load.stop()
        settled(run)
        said = ailments(run)
        run.demand("has no partition for" not in said, f"doctor says {said}")
        run.count("posts after it", demand_in_time(run, since))
        judge_arrivals(run, devices, query(connection, NOTIFIED, {"old": since}))


def judge_horizons(run: Run, connection) -> None:
    """Demand that the timelines' horizon has moved, and that no horizon is beyond the newest
    post."""
    last = max(run.old)
    horizons = dict(query(connection, HORIZONS))
    run.count("posts expired", horizons["timelines_timelineentry"] - min(run.old))
    for table, horizon in horizons.items():
        run.demand(horizon <= last, f"the horizon of {table} is {horizon}, the newest {last}")


def judge_arrivals(run: Run, devices: Phones, notified: list[tuple[int, int]]) -> None:
    """Demand that everyone with a device who follows the author got one notification and one
    push."""
    posts = {a.post_id: (run.people.ids[a.author], 0.0) for a in run.load.attempts}
    wanted = {
        (user, pk)
        for pk, (author, _) in posts.items()
        for user in run.people.reached[author] & devices.devices.keys()
    }
    run.count("users notified", len(notified))
    run.demand(set(notified) == wanted, f"{len(notified)} were notified, {len(wanted)} should be")
    names = (FINE, "other")
    run.count("pushes", sum(devices.accepted(name).total() for name in names))
    demand_arrivals(run, devices, posts, names)
