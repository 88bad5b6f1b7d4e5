"""Somebody leaves a transaction open in psql."""

import time

import psycopg2

from devtools.faults.declaration import scenario
from devtools.faults.management import ailments
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.readers import Readers
from devtools.faults.run import Run
from devtools.lab.database import query
from devtools.lab.latency import Percentiles
from devtools.lab.records import newest_post

OPEN_SECONDS = 120.0
# From then on doctor must name it.
NAMED_SECONDS = 30.0
READERS = 6
TOUCH = "UPDATE social_post SET content = content WHERE id = %(post)s"
UNLIMITED = "SET idle_in_transaction_session_timeout = 0"
HERE = "SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s AND xact_start IS NOT NULL"
NAMES = "a transaction has been left open"


@scenario(
    38,
    "a transaction left open on posts for 120 s",
    "ended by the database; the one without a limit named by doctor; posts read meanwhile",
    limit=260,
)
def forgotten(run: Run) -> None:
    """Two transactions: one that the database may end, and one whose user has switched the limit
    off."""
    connection = run.connect()
    since = newest(run)
    # Nobody follows or unfollows, so that each post's audience is known.
    load = run.begin_load(follows=0.0)
    people = run.people
    readers = Readers(run.environment.origin, people, people.most_reached(READERS))
    run.at_end(readers.start().stop)
    post = run.until(lambda: newest_post(connection), "a post")
    with run.fault():
        ordinary = begin(run, post)
        time.sleep(0.1)
        unlimited = begin(run, post - 1, UNLIMITED)
        begun_at = time.monotonic()
        time.sleep(NAMED_SECONDS)
        run.count("transactions that the database ended", not is_open(connection, ordinary))
        pid = unlimited.get_backend_pid()
        said = ailments(run)
        named = NAMES in said and f"pid {pid}" in said
        run.demand(named, f"doctor does not name the open transaction: {said}")
        time.sleep(max(begun_at + OPEN_SECONDS - time.monotonic(), 0))
        run.count("seconds of the one without a limit", round(time.monotonic() - begun_at))
        run.demand(is_open(connection, unlimited), "it was ended before the time")
        unlimited.rollback()
    said = ailments(run)
    run.demand(NAMES not in said, f"doctor names a transaction that is over: {said}")
    load.stop()
    run.until(lambda: not run.pending(), "an empty outbox")
    time.sleep(people.target / 2)
    delays = readers.delays(load.attempts)
    run.count("posts read forward", len(delays))
    run.figures["reading_p50_s"] = round(Percentiles.of(delays).p50, 2)
    run.figures["reading_max_s"] = round(max(delays), 1)
    late = sum(delay > people.target for delay in delays)
    run.demand(not late, f"{late} of {len(delays)} posts were not read within the target")
    run.demand(not readers.repeated, f"{readers.repeated} posts were read twice")
    demand_in_time(run, since)


def begin(run: Run, post: int, setting: str = ""):
    """A session that has updated a post in a transaction, and then does nothing."""
    session = run.connect()
    if setting:
        with session.cursor() as cursor:
            cursor.execute(setting)
    session.autocommit = False
    with session.cursor() as cursor:
        cursor.execute(TOUCH, {"post": post})
        run.count("posts touched", cursor.rowcount)
    return session


def is_open(connection, session: "psycopg2.extensions.connection") -> bool:
    return query(connection, HERE, {"pid": session.get_backend_pid()}) != [(0,)]
