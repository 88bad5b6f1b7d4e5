"""PostgreSQL stops, ends transactions, refuses writes, and runs out of connections."""

import signal
import time
from contextlib import suppress

import psycopg2

from devtools.faults.declaration import scenario
from devtools.faults.management import doctor
from devtools.faults.roll_call import demand_nobody_ended, everybody
from devtools.faults.run import Run
from devtools.lab.database import execute, query

DOWN_SECONDS = 3.0
ROUNDS = 6
ALLOWED = ("201", "204", "503")
EXHAUSTED_SECONDS = 8.0
READ_ONLY_SECONDS = 30.0

# Ends every session in the middle of a transaction, except the harness's own.
TERMINATE = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'devtools'
      AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""
TERMINATE_ALL = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'devtools'
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
# Makes every fifth slice fail with a serialisation failure.
UNSERIALISABLE = """
    CREATE SEQUENCE faults_serialisation;
    CREATE FUNCTION faults_fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('faults_serialisation') %% 5 = 0 THEN
            RAISE EXCEPTION 'put in by the harness' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER faults_fail BEFORE INSERT ON timelines_slicerecord
        FOR EACH ROW EXECUTE FUNCTION faults_fail();
"""
SERIALISABLE = """
    DROP TRIGGER IF EXISTS faults_fail ON timelines_slicerecord;
    DROP FUNCTION IF EXISTS faults_fail;
    DROP SEQUENCE IF EXISTS faults_serialisation;
"""


@scenario(25, "PostgreSQL immediate stop, start", "pid stopped; posts refused or unanswered")
def stops(run: Run) -> None:
    server = run.postgres
    load = run.begin_load()
    with run.fault():
        run.count("pids stopped", bool(server.pid))
        server.process.terminate(signal.SIGQUIT, 10)
        time.sleep(DOWN_SECONDS)
        run.bring_back(server)
    troubled = sum(a.failed + a.rejected.total() for a in load.attempts)
    run.count("requests refused or without an answer", troubled)


@scenario(26, "backends terminated in mid-transaction", "backends terminated")
def backends_end(run: Run) -> None:
    connection = run.connect()
    # Slow slices and requests, so that there is always a transaction to end.
    run.restart("timelines-high-worker", FAILPOINTS="timelines.fanout.in_slice=sleep:0.1")
    run.begin_load(warm=8)
    with run.fault():
        for _ in range(ROUNDS):
            run.count("backends terminated", query(connection, TERMINATE)[0][0])
            time.sleep(1)
    run.restore("timelines-high-worker")


@scenario(27, "deadlock, serialisation failure", "deadlocks and failures that PostgreSQL raised")
def deadlock(run: Run) -> None:
    """Lock in the opposite order of a slice: hold the outbox, which the slice needs next, and
    request the ledger, part of which the slice holds."""
    connection = run.connect()
    before = query(connection, DEADLOCKS)[0][0]
    run.restart("timelines-high-worker", FAILPOINTS="timelines.fanout.in_slice=sleep:0.3")
    run.begin_load(warm=8)
    with run.fault():
        for _ in range(3):
            oppose(run)
            time.sleep(1)
    raised = query(connection, DEADLOCKS)[0][0] - before
    run.at_end(lambda: execute(connection, SERIALISABLE))
    with run.fault():
        execute(connection, UNSERIALISABLE.replace("%%", "%"))
        time.sleep(5)
        failed = query(connection, "SELECT last_value / 5 FROM faults_serialisation")[0][0]
        execute(connection, SERIALISABLE)
    run.restore("timelines-high-worker")
    run.count("deadlocks", raised)
    run.count("serialisation failures", int(failed))


def oppose(run: Run) -> None:
    with run.environment.connect() as other:
        other.autocommit = False
        with other.cursor() as cursor, suppress(psycopg2.errors.LockNotAvailable):
            # The slice is the one that must detect the deadlock and be rolled back.
            cursor.execute("SET deadlock_timeout = '20s'; SET lock_timeout = '5s'")
            cursor.execute("LOCK TABLE events_outboxevent IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute("LOCK TABLE timelines_slicerecord IN ACCESS EXCLUSIVE MODE")
        other.rollback()
    other.close()


@scenario(28, "connections exhausted", "connections taken; 503 with Retry-After")
def exhausted(run: Run) -> None:
    connection = run.connect()
    load = run.begin_load()
    taken = []
    with run.fault():
        try:
            execute(connection, TERMINATE_ALL)
            deadline = time.monotonic() + EXHAUSTED_SECONDS
            while time.monotonic() < deadline:
                try:
                    taken.append(run.environment.connect())
                except psycopg2.OperationalError:
                    # Sessions that still have a connection lose it and find no other.
                    execute(connection, TERMINATE_ALL)
                    time.sleep(0.2)
        finally:
            for each in taken:
                each.close()
    run.count("connections taken", len(taken))
    refused = load.answers["503 with Retry-After"]
    run.count("503 with Retry-After", refused)
    other = sum(a.rejected.total() - a.rejected[503] for a in load.attempts)
    run.demand(not other, f"{other} answers were neither 201 nor 503")


@scenario(
    40, "the database read-only for 30 s", "posts refused with 503; backends terminated", limit=150
)
def read_only(run: Run) -> None:
    """As a managed server becomes read-only when its disk is full; this includes new
    connections."""
    connection = run.connect()
    load = run.begin_load(warm=8)
    before = everybody(run)
    with run.fault():
        try:
            set_read_only(connection, "on")
            time.sleep(READ_ONLY_SECONDS / 3)
            run.count("backends terminated", query(connection, TERMINATE_ALL)[0][0])
            found = doctor(run)
            time.sleep(max(run.fault_began_at + READ_ONLY_SECONDS - time.monotonic(), 0))
        finally:
            set_read_only(connection, "off")
    run.until(
        lambda: any((a.accepted_at or 0) > run.fault_ended_at for a in load.attempts),
        "a post that is taken again",
    )
    run.count("503 with Retry-After", load.answers["503 with Retry-After"])
    other = {answer: n for answer, n in load.answers.items() if answer[:3] not in ALLOWED}
    run.demand(not other, f"answers of another kind: {other}")
    run.demand(
        "read-only" in found["database and clock"], f"the doctor: {found['database and clock']}"
    )
    demand_nobody_ended(run, before)


def set_read_only(connection, value: str) -> None:
    """Applies to every session except the harness's, from its next transaction on."""
    execute(connection, f"ALTER SYSTEM SET default_transaction_read_only = {value}")
    execute(connection, "SELECT pg_reload_conf()")
