"""Checks the oracle: runs scenarios with one guard switched off, each of which must fail.

Periodic repairs are switched off too, because they would mend two of the losses within minutes.
"""

import signal
import time
from dataclasses import dataclass, replace

from devtools.faults.commands import with_app
from devtools.faults.declaration import Act, Scenario
from devtools.faults.hostile import small
from devtools.faults.proxy import Way
from devtools.faults.run import Run
from devtools.faults.scenarios.hostile import send
from devtools.faults.scenarios.worker import WORKER, children_die
from devtools.lab.database import execute, query

LIMIT_SECONDS = 45.0
FROZEN_SECONDS = 40.0
# A backend that has claimed rows and has waited for its client for most of a second.
HELD = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'
      AND state_change < statement_timestamp() - interval '0.8 seconds'
      AND query LIKE '%%events_outboxevent%%SKIP LOCKED%%'
"""
# Without the key rows can be doubled, and without the record a written slice is written again.
DROP_KEY = "ALTER TABLE timelines_timelineentry DROP CONSTRAINT timelines_timelineentry_pkey"
FORGET = """
    CREATE FUNCTION faults_forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER faults_forget BEFORE INSERT ON timelines_slicerecord
        FOR EACH ROW EXECUTE FUNCTION faults_forget();
"""


@dataclass(frozen=True)
class Proof:
    """`scenario` must fail with findings of this `kind` ("lost", "duplicates" or "late")."""

    name: str
    scenario: Scenario
    kind: str


def without_healing(run: Run) -> None:
    run.restart("beat", with_app(run.table["beat"], "devtools.faults.apps.unhealed"))


def early_acks(run: Run) -> None:
    without_healing(run)
    command = with_app(run.table[WORKER], "devtools.faults.apps.early_acks")
    children_die(run, "timelines.fanout.in_slice", command)


def no_confirms(run: Run) -> None:
    without_healing(run)
    proxy, url = run.proxy("BROKER_URL")
    command = replace(run.table["relay"], arguments=("-m", "devtools.faults.unconfirmed_relay"))
    run.restart("relay", command, BROKER_URL=url)
    run.begin_load()
    with run.fault():
        proxy.swallow(Way.OUT)
        time.sleep(4)
        run.kill("relay")
        proxy.heal()
        run.restore("relay")
    run.count("bytes swallowed", proxy.disturbed)


def no_unique_key(run: Run) -> None:
    without_healing(run)
    connection = run.connect()
    execute(connection, DROP_KEY)
    execute(connection, FORGET)
    children_die(run, "timelines.tasks.after_commit")


def no_reading_of_everything(run: Run) -> None:
    name = "timelines-consumer"
    command = replace(
        run.table[name], arguments=("-m", "devtools.faults.trusting_consumer", "timelines")
    )
    run.restart(name, command)
    reconnects = run.logged(name, "consumer reconnects")
    waits = run.logged(name, "batch waits")
    run.begin_load()
    with run.fault():
        send(run, small("timeline.worker", run.random.randrange(10**12)))
        run.count("messages taken", run.poison)
        time.sleep(FROZEN_SECONDS)
    run.count("connections lost, and batches that wait", reconnects() + waits())


def no_time_limits(run: Run) -> None:
    """Freeze a relay while it holds events that it has claimed; a second relay is running."""
    connection = run.connect()
    run.add("relay-2", run.table["relay"])
    run.restart(
        "relay",
        DJANGO_SETTINGS_MODULE="devtools.faults.unlimited_settings",
        # So long that it is almost always frozen before it has published what it has claimed.
        FAILPOINTS="events.relay.before_publish=sleep:1",
    )
    run.begin_load()
    with run.fault():
        pid = run.until(lambda: freeze_with_claims(run, connection), "a claim that is held")
        run.count("transactions held", bool(pid))
        time.sleep(FROZEN_SECONDS)
        run.send("relay", signal.SIGCONT)
        run.restore("relay")


def freeze_with_claims(run: Run, connection) -> int | None:
    """Stop the relay, and return the backend that holds its claims. Without a claim, let the relay
    go on and return None."""
    run.send("relay", signal.SIGSTOP)
    time.sleep(1)
    if held := query(connection, HELD):
        return held[0][0]
    run.send("relay", signal.SIGCONT)
    time.sleep(0.1)
    return None


def proof(name: str, act: Act, kind: str, **bounds: float) -> Proof:
    return Proof(name, Scenario(name, f"without {name}", "", act, LIMIT_SECONDS, **bounds), kind)


PROOFS = {
    each.name: each
    for each in (
        proof("late acks", early_acks, "lost"),
        proof("confirms", no_confirms, "lost"),
        proof("unique key", no_unique_key, "duplicates"),
        proof("reading whatever strangers send", no_reading_of_everything, "late", delay=0.0),
        proof("time limits", no_time_limits, "late", delay=0.0),
    )
}
