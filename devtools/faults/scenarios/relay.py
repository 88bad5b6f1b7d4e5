"""The relay dies, loses confirms, runs twice, freezes, or loses its LISTEN session."""

import signal
import time

from devtools.faults.declaration import scenario
from devtools.faults.proxy import Way
from devtools.faults.punctuality import demand_in_time, newest
from devtools.faults.run import Run
from devtools.faults.tap import Events
from devtools.lab.database import query
from devtools.processes import Command

DEATHS = 3
# A failpoint counts anew in each process, so each process claims or confirms this many events.
EVENTS_A_LIFE = 10
FROZEN_SECONDS = 120.0
# The events that a frozen process holds must be released within this time.
OUT_SECONDS = 30.0
# The other relay holds rows for less time than this.
HELD_SECONDS = 2.0
ENDINGS = 5

# Claimed rows: they are due and their lock cannot be obtained.
HELD = """
    WITH free AS MATERIALIZED (
        SELECT id FROM events_outboxevent
        WHERE published_at IS NULL AND due_at <= statement_timestamp() FOR UPDATE SKIP LOCKED
    )
    SELECT coalesce(array_agg(id), '{}') FROM events_outboxevent
    WHERE published_at IS NULL AND due_at <= statement_timestamp()
          AND id NOT IN (SELECT id FROM free)
"""
LEFT = "SELECT count(*) FROM events_outboxevent WHERE id = ANY(%(ids)s) AND published_at IS NULL"
LISTENING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query = 'LISTEN events_outbox'
"""


def die_again_and_again(run: Run, failpoint: str) -> Events:
    events = Events(run)
    run.begin_load()
    with run.fault():
        for _ in range(DEATHS):
            run.restart("relay", FAILPOINTS=f"{failpoint}=kill:{EVENTS_A_LIFE}")
            run.dies("relay")
        run.restore("relay")
    return events


@scenario(3, "relay SIGKILL before the publish", "the relay died at the failpoint; published anew")
def dies_before_publish(run: Run) -> None:
    die_again_and_again(run, "events.relay.before_publish")


@scenario(4, "relay SIGKILL after the confirm, before the mark", "died; messages seen twice")
def dies_after_confirm(run: Run) -> None:
    events = die_again_and_again(run, "events.relay.after_confirm")
    run.count("messages seen twice", events.doubled())


@scenario(5, "confirm lost: broker to relay is swallowed", "bytes swallowed; messages seen twice")
def confirm_lost(run: Run) -> None:
    events = Events(run)
    proxy, url = run.proxy("BROKER_URL")
    run.restart("relay", BROKER_URL=url)
    run.begin_load()
    with run.fault():
        proxy.swallow(Way.BACK)
        # Longer than the relay waits for a confirm, so that it gives up by itself.
        time.sleep(12)
        proxy.heal()
    run.until(lambda: events.doubled(), "a message that comes twice")
    run.count("bytes swallowed", proxy.disturbed)
    run.count("messages seen twice", events.doubled())


@scenario(6, "two relays", "both published; the longest wait in the outbox in figures")
def two_relays(run: Run) -> None:
    proxies = []
    command = run.table["relay"]
    for name in ("relay", "relay-2"):
        proxy, url = run.proxy("BROKER_URL")
        proxies.append((name, proxy))
        if name == "relay":
            run.restart(name, BROKER_URL=url)
        else:
            run.add(name, Command(command.arguments, command.tier, command.ready), BROKER_URL=url)
    opened = {name: proxy.passed[Way.OUT] for name, proxy in proxies}
    run.begin_load()
    with run.fault():
        time.sleep(15)
    for name, proxy in proxies:
        run.count(f"bytes published by {name}", proxy.passed[Way.OUT] - opened[name])
    with run.connect().cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(published_at - due_at))::float FROM events_outboxevent"
        )
        waited = cursor.fetchone()[0]
    run.figures["longest_outbox_wait_s"] = round(waited, 2)
    run.demand(waited < 5, f"an event waited {waited:.1f} s in the outbox")


@scenario(
    37, "relay SIGSTOP for 120 s in its transaction", "events held; published later", limit=240
)
def frozen(run: Run) -> None:
    connection = run.connect()
    proxy, url = run.proxy("BROKER_URL")
    # It sleeps between claim and publish, and so holds locked rows most of the time.
    run.restart("relay", BROKER_URL=url, FAILPOINTS="events.relay.before_publish=sleep:0.1")
    command = run.table["relay"]
    run.add("relay-2", Command(command.arguments, command.tier, command.ready))
    since = newest(run)
    run.begin_load(rate=6)
    with run.fault():
        held = run.until(lambda: freeze_with_rows(run, connection), "rows that it holds", 60)
        frozen_at = time.monotonic()
        left = {"ids": held}
        run.count("events that it held", len(held))
        run.until(lambda: query(connection, LEFT, left) == [(0,)], "its events out", 110)
        out_after = time.monotonic() - frozen_at + HELD_SECONDS
        run.figures["held_events_out_after_s"] = round(out_after, 1)
        limit = f"the events that it held were out after {out_after:.1f} s"
        run.demand(out_after <= OUT_SECONDS, limit)
        time.sleep(max(frozen_at + FROZEN_SECONDS - time.monotonic(), 0))
        published = proxy.passed[Way.OUT]
        pid = run.send("relay", signal.SIGCONT)
    time.sleep(10)
    run.load.stop()
    run.demand(run.processes.pid("relay") == pid, "it ended when it woke")
    run.count("bytes published by it after it woke", proxy.passed[Way.OUT] - published)
    demand_in_time(run, since, delay=OUT_SECONDS)


def freeze_with_rows(run: Run, connection) -> list[int]:
    """Stop the relay and return the events that it still holds a moment later; if there are none,
    let it go on."""
    if not (held := query(connection, HELD)[0][0]):
        return []
    run.send("relay", signal.SIGSTOP)
    time.sleep(HELD_SECONDS)
    if not (held := sorted({*held} & {*query(connection, HELD)[0][0]})):
        run.send("relay", signal.SIGCONT)
    return held


@scenario(41, "the relay's LISTEN session ended", "sessions ended; sessions that came after them")
def deaf(run: Run) -> None:
    connection = run.connect()
    since = newest(run)
    pid = run.processes.pid("relay")
    run.begin_load()
    with run.fault():
        for _ in range(ENDINGS):
            sessions = query(connection, LISTENING)
            for (session,) in sessions:
                query(connection, "SELECT pg_terminate_backend(%(pid)s)", {"pid": session})
            run.count("sessions ended", len(sessions))
            run.until(lambda s=sessions: set(query(connection, LISTENING)) - {*s}, "another")
            run.count("sessions that came after them")
            time.sleep(2)
    time.sleep(3)
    run.demand(run.processes.pid("relay") == pid, "the relay ended with its session")
    demand_in_time(run, since)
