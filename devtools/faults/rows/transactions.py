"""Somebody forgets a transaction in psql."""

import time

import psycopg2

from devtools.faults.attempts import percentile
from devtools.faults.database import query
from devtools.faults.declaration import row
from devtools.faults.management import ailments
from devtools.faults.punctuality import NEWEST, TARGET_SECONDS, demand_in_time, newest
from devtools.faults.readers import Readers, most_reached
from devtools.faults.scene import Scene

OPEN_SECONDS = 120.0
# From then on doctor is to name it.
NAMED_SECONDS = 30.0
READERS = 6
TOUCH = "UPDATE social_post SET content = content WHERE id = %(post)s"
UNLIMITED = "SET idle_in_transaction_session_timeout = 0"
HERE = "SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s AND xact_start IS NOT NULL"
NAMES = "a transaction has been left open"


@row(
    38,
    "a transaction left open on posts for 120 s",
    "ended by the database; the one without a limit named by doctor; posts read meanwhile",
    limit=260,
)
def forgotten(scene: Scene) -> None:
    """Two of them: the database may end one, the other's user has switched its limit off."""
    connection = scene.sql()
    house = scene.house
    since = newest(scene)
    # Nobody begins or ceases to follow, so that it is known whom each post is for.
    load = scene.begin_load(follows=0.0)
    readers = Readers(house.origin, house.population, most_reached(house.population, READERS))
    scene.at_end(readers.start().stop)
    post = scene.until(lambda: query(connection, NEWEST)[0][0], "a post")
    with scene.fault():
        ordinary = begin(scene, post)
        time.sleep(0.1)
        unlimited = begin(scene, post - 1, UNLIMITED)
        begun_at = time.monotonic()
        time.sleep(NAMED_SECONDS)
        scene.count("transactions that the database ended", not is_open(connection, ordinary))
        pid = unlimited.get_backend_pid()
        said = ailments(scene)
        named = NAMES in said and f"pid {pid}" in said
        scene.demand(named, f"doctor does not name the open transaction: {said}")
        time.sleep(max(begun_at + OPEN_SECONDS - time.monotonic(), 0))
        scene.count("seconds of the one without a limit", round(time.monotonic() - begun_at))
        scene.demand(is_open(connection, unlimited), "it was ended before the time")
        unlimited.rollback()
    said = ailments(scene)
    scene.demand(NAMES not in said, f"doctor names a transaction that is over: {said}")
    load.stop()
    scene.until(lambda: not scene.pending(), "an empty outbox")
    time.sleep(TARGET_SECONDS / 2)
    delays = readers.delays(load.attempts)
    scene.count("posts read forward", len(delays))
    scene.figures["reading_p50_s"] = round(percentile(delays, 0.5), 2)
    scene.figures["reading_max_s"] = round(max(delays), 1)
    late = sum(delay > TARGET_SECONDS for delay in delays)
    scene.demand(not late, f"{late} of {len(delays)} posts were not read within the target")
    scene.demand(not readers.repeated, f"{readers.repeated} posts were read twice")
    demand_in_time(scene, since)


def begin(scene: Scene, post: int, setting: str = ""):
    """A session that has touched a post in a transaction, and then is silent."""
    session = scene.sql()
    if setting:
        with session.cursor() as cursor:
            cursor.execute(setting)
    session.autocommit = False
    with session.cursor() as cursor:
        cursor.execute(TOUCH, {"post": post})
        scene.count("posts touched", cursor.rowcount)
    return session


def is_open(connection, session: "psycopg2.extensions.connection") -> bool:
    return query(connection, HERE, {"pid": session.get_backend_pid()}) != [(0,)]
