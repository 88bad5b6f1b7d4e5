"""An event whose statement never ends."""

import time

from devtools.faults.burst import burst
from devtools.faults.declaration import scenario
from devtools.faults.management import doctor, lag, manage
from devtools.faults.run import Run
from devtools.lab.database import execute, query

EACH = 2
QUEUE = "timeline.worker"
# Planning one post's fan-out takes longer than any of our limits.
SLEEPS = """
    CREATE OR REPLACE FUNCTION faults_sleep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep({seconds}) FROM social_post
        WHERE id = NEW.post_id AND author_id = {author} AND content = 'burst 1';
        RETURN NEW;
    END $$
"""
TRIGGER = """
    CREATE TRIGGER faults_sleep BEFORE INSERT ON timelines_fanout
    FOR EACH ROW EXECUTE FUNCTION faults_sleep()
"""
GONE = """
    DROP TRIGGER IF EXISTS faults_sleep ON timelines_fanout;
    DROP FUNCTION IF EXISTS faults_sleep;
"""
POST = "SELECT id FROM social_post WHERE author_id = %(author)s AND content = 'burst 1'"
WAITING = "SELECT event_id, attempts, reason FROM events_waitingevent"
# Sixteen attempts take ten minutes, and then the event becomes a dead letter. This makes the next
# attempt the last.
SHORTEN = "UPDATE events_waitingevent SET attempts = 15 RETURNING 1"
LETTERS = "SELECT queue, message_id FROM events_deadletter WHERE state = 'open'"


@scenario(
    44,
    "an event whose statement always times out, among 120",
    "attempts while it was set aside; dead letters; letters replayed",
    limit=300,
    delay=0.0,
)
def always_times_out(run: Run) -> None:
    connection = run.connect()
    people = run.people
    author = run.random.choice(people.authors)
    run.at_end(lambda: execute(connection, GONE))
    execute(connection, SLEEPS.format(seconds=60, author=author))
    execute(connection, TRIGGER)
    run.begin_load()
    with run.fault():
        begun = time.monotonic()
        burst(connection, people.authors, EACH)
        post = query(connection, POST, {"author": author})[0][0]
        event = f"evt_burst{post}"
        waits = run.until(lambda: query(connection, WAITING), "an event that is set aside")
        run.figures["set_aside_after_s"] = round(time.monotonic() - begun, 1)
        run.demand([name for name, *_ in waits] == [event], f"what is set aside: {waits}")
        run.until(lambda: query(connection, WAITING)[0][1] >= 2, "an attempt that counts")
        run.count("attempts", query(connection, WAITING)[0][1])
        query(connection, SHORTEN)
        demand_it_is_reported(run, begun)
        run.until(lambda: query(connection, LETTERS), "the dead letter", 90)
        run.figures["letter_after_s"] = round(time.monotonic() - begun, 1)
        letters = query(connection, LETTERS)
        run.count("dead letters", len(letters))
        run.demand(letters == [(QUEUE, event)], f"the dead letters: {letters}")
        # With the cause gone, the replay succeeds.
        execute(connection, SLEEPS.format(seconds=0, author=author))
        manage(run, "dead_letters", "replay", "--queue", QUEUE, "--yes")
        run.count("letters replayed", len(letters))
    run.excepted.add(post)


def demand_it_is_reported(run: Run, begun: float) -> None:
    time.sleep(max(begun + run.people.target + 5 - time.monotonic(), 0))
    late = lag(run)["subscribers"]["timelines"]
    run.demand(not late["within_target"], f"the lag of an event that is set aside: {late}")
    found = doctor(run)
    run.demand("1 events of timelines are set aside" in found["stranded events"], f"{found}")
    run.demand("timelines is late" in found["delivery"], f"{found}")
