"""Is the oracle awake? Rows with one guard switched off, each of which must fail.

The repairs that run by the clock would mend two of the losses within minutes, and so are off too.
"""

import signal
import time
from dataclasses import dataclass, replace

from devtools.faults.commands import with_app
from devtools.faults.database import query
from devtools.faults.declaration import Row
from devtools.faults.hostile import small
from devtools.faults.proxy import Way
from devtools.faults.rows.database import execute
from devtools.faults.rows.hostile import send
from devtools.faults.rows.worker import WORKER, children_die
from devtools.faults.scene import Scene

LIMIT_SECONDS = 45.0
TARGET_SECONDS, FROZEN_SECONDS = 30.0, 40.0
# A backend that has waited for its client for most of a second, with rows that it has claimed.
HELD = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'
      AND state_change < statement_timestamp() - interval '0.8 seconds'
      AND query LIKE '%%events_outboxevent%%SKIP LOCKED%%'
"""
# Rows may then stand there twice, and a slice that was written is written again.
DROP_KEY = "ALTER TABLE timelines_timelineentry DROP CONSTRAINT timelines_timelineentry_pkey"
FORGET = """
    CREATE FUNCTION faults_forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER faults_forget BEFORE INSERT ON timelines_slicerecord
        FOR EACH ROW EXECUTE FUNCTION faults_forget();
"""


@dataclass(frozen=True)
class Proof:
    """`row` must fail, with some `kind` ("lost", "duplicates" or "late") found."""

    name: str
    row: Row
    kind: str


def without_healing(scene: Scene) -> None:
    scene.dress("beat", with_app(scene.house.table["beat"], "devtools.faults.apps.unhealed"))


def early_acks(scene: Scene) -> None:
    without_healing(scene)
    command = with_app(scene.house.table[WORKER], "devtools.faults.apps.early_acks")
    children_die(scene, "timelines.fanout.in_slice", command)


def no_confirms(scene: Scene) -> None:
    without_healing(scene)
    proxy, url = scene.proxy("BROKER_URL")
    command = replace(
        scene.house.table["relay"], arguments=("-m", "devtools.faults.unconfirmed_relay")
    )
    scene.dress("relay", command, BROKER_URL=url)
    scene.begin_load()
    with scene.fault():
        proxy.swallow(Way.OUT)
        time.sleep(4)
        scene.kill("relay")
        proxy.heal()
        scene.undress("relay")
    scene.count("bytes swallowed", proxy.disturbed)


def no_unique_key(scene: Scene) -> None:
    without_healing(scene)
    connection = scene.sql()
    execute(connection, DROP_KEY)
    execute(connection, FORGET)
    children_die(scene, "timelines.tasks.after_commit")


def no_reading_of_everything(scene: Scene) -> None:
    name = "timelines-consumer"
    command = replace(
        scene.house.table[name], arguments=("-m", "devtools.faults.trusting_consumer", "timelines")
    )
    scene.dress(name, command)
    reconnects = scene.logged(name, "consumer reconnects")
    waits = scene.logged(name, "batch waits")
    scene.begin_load()
    with scene.fault():
        send(scene, small("timeline.worker", scene.random.randrange(10**12)))
        scene.count("messages taken", scene.poison)
        time.sleep(FROZEN_SECONDS)
    scene.count("connections lost, and batches that wait", reconnects() + waits())


def no_time_limits(scene: Scene) -> None:
    """A relay is frozen while it holds events that it has claimed, and a second one runs."""
    connection = scene.sql()
    scene.add("relay-2", scene.house.table["relay"])
    scene.dress(
        "relay",
        DJANGO_SETTINGS_MODULE="devtools.faults.unlimited_settings",
        FAILPOINTS="events.relay.before_publish=sleep:0.2",
    )
    scene.begin_load()
    with scene.fault():
        pid = scene.until(lambda: freeze_with_claims(scene, connection), "a claim that is held")
        scene.count("transactions held", bool(pid))
        time.sleep(FROZEN_SECONDS)
        scene.send("relay", signal.SIGCONT)
        scene.undress("relay")


def freeze_with_claims(scene: Scene, connection) -> int | None:
    """Stop the relay; the backend that holds its claims, or None where it held none."""
    scene.send("relay", signal.SIGSTOP)
    time.sleep(1)
    if held := query(connection, HELD):
        return held[0][0]
    scene.send("relay", signal.SIGCONT)
    time.sleep(0.1)
    return None


def proof(name: str, act, kind: str, target: float | None = None) -> Proof:
    row = Row(name, f"without {name}", "", act, LIMIT_SECONDS, target=target)
    return Proof(name, row, kind)


PROOFS = {
    each.name: each
    for each in (
        proof("late acks", early_acks, "lost"),
        proof("confirms", no_confirms, "lost"),
        proof("unique key", no_unique_key, "duplicates"),
        proof("reading whatever strangers send", no_reading_of_everything, "late", TARGET_SECONDS),
        proof("time limits", no_time_limits, "late", TARGET_SECONDS),
    )
}
