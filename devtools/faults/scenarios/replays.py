"""An operator replays very many dead letters at a limited rate while users post."""

import subprocess
import time

from devtools.faults.declaration import scenario
from devtools.faults.management import ailments, lag, started
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.run import Run
from devtools.faults.scenarios.broker import taken_at_once
from devtools.lab.database import execute, query

LANE = "timelines.low"
LETTERS = 500_500
# Low enough that the lane's worker keeps up on a busy machine.
RATE = 10
REPLAYED_SECONDS = 300.0
# A batch's transaction takes a fraction of a second. A statement is cancelled after 20 s.
STATEMENT_SECONDS = 10.0
# At this rate, fewer rows than this are due and unpublished at any moment.
DUE = 500

# Failed tasks that do nothing when they are replayed, because their post does not exist.
FILE = """
    INSERT INTO events_deadletter (
        queue, message_id, task, event_type, subjects, headers, properties, body, exception_type,
        exception_message, traceback, traceparent, attempts, first_failed_at, last_failed_at, state
    )
    SELECT 'timelines.low', id, 'timelines.remove_posts', '', '{}',
           jsonb_build_object('lang', 'py', 'task', 'timelines.remove_posts', 'id', id,
                              'root_id', id, 'retries', 3),
           jsonb_build_object('content_type', 'application/json', 'content_encoding', 'utf-8',
                              'correlation_id', id),
           convert_to('[[], {"post_ids": [0]}, {"callbacks": null, "errbacks": null, "chain": null,'
                      ' "chord": null}]', 'UTF8'),
           'OperationalError', 'put in by the harness', '', '', 1, now(), now(), 'open'
    FROM (SELECT gen_random_uuid()::text AS id FROM generate_series(1, %(count)s)) AS letter
"""
OPEN = "SELECT count(*) FROM events_deadletter WHERE state = 'open'"
LONGEST = """
    SELECT extract(epoch FROM clock_timestamp() - xact_start)::float, left(query, 200)
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name <> 'devtools'
          AND backend_type = 'client backend' AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 1
"""
OUT = """
    SELECT count(*) FROM events_outboxevent
    WHERE headers ? 'x-connectify-replay' AND published_at IS NOT NULL
"""
COMING = """
    SELECT count(*) FROM events_outboxevent
    WHERE headers ? 'x-connectify-replay' AND due_at > statement_timestamp()
"""
CALL_OFF = """
    DELETE FROM events_outboxevent
    WHERE headers ? 'x-connectify-replay' AND due_at > statement_timestamp()
"""


@scenario(
    46,
    "a paced replay of 500,000 letters while people post",
    "letters replayed; those still to come; those that went out; posts taken at once",
    limit=480,
)
def long_replay(run: Run) -> None:
    connection = run.connect()
    since = newest(run)
    with connection.cursor() as cursor:
        cursor.execute(FILE, {"count": LETTERS})
    run.at_end(lambda: execute(connection, "TRUNCATE events_deadletter"))
    # Slow enough that its posts last on a busy machine.
    run.begin_load(rate=5)
    with run.fault():
        arguments = ("--queue", LANE, "--rate", str(RATE), "--yes")
        replay = started(run, "dead_letters", "replay", *arguments)
        try:
            follow(run, connection, replay)
        finally:
            replay.kill()
            execute(connection, CALL_OFF)
        run.count("went out", query(connection, OUT)[0][0])
    time.sleep(3)
    taken_at_once(run)
    demand_in_time(run, since)


def follow(run: Run, connection, replay: subprocess.Popen) -> None:
    """Wait for the command to end, and then check what is reported about the replay in progress."""
    longest, statement = 0.0, ""

    def ended() -> bool:
        nonlocal longest, statement
        longest, statement = max([(longest, statement), *query(connection, LONGEST)])
        return replay.poll() is not None

    begun_at = time.monotonic()
    run.until(ended, "the end of the replay's command", REPLAYED_SECONDS)
    run.figures["replay_written_s"] = round(time.monotonic() - begun_at, 1)
    said = replay.communicate()[0]
    run.demand(not replay.returncode, f"the replay failed: {said[-500:]}")
    run.count("letters replayed", LETTERS - query(connection, OPEN)[0][0])
    run.count("still to come", query(connection, COMING)[0][0])
    run.demand(run.evidence["still to come"] > LETTERS * 0.9, "they went out at once")
    run.figures["longest_transaction_s"] = round(longest, 1)
    run.demand(longest < STATEMENT_SECONDS, f"a transaction took {longest:.1f} s: {statement}")
    # The web server reads its outbox figures every 5 s.
    time.sleep(12)
    outbox = lag(run)["outbox"]
    run.figures["lag_says"] = f"{outbox['pending']:,} for {outbox['oldest_seconds']:.1f} s"
    run.demand(outbox["pending"] < DUE, f"lag says {outbox}")
    said = ailments(run)
    run.demand("the outbox has been waiting" not in said, f"doctor says {said}")
