"""The relay dies, loses its confirms, or has a colleague; it freezes, and loses its ear."""

import signal
import time

from devtools.faults.database import query
from devtools.faults.declaration import row
from devtools.faults.proxy import Way
from devtools.faults.punctuality import TARGET_SECONDS, demand_in_time, newest
from devtools.faults.scene import Scene
from devtools.faults.witness import Witness
from devtools.processes import Command

DEATHS = 3
# A failpoint's count begins anew with each process: so many are claimed, or confirmed, in between.
EVENTS_A_LIFE = 10
FROZEN_SECONDS = 120.0
# What a half-dead process holds must be free within this time.
OUT_SECONDS = 30.0
# The other relay holds no row for so long.
HELD_SECONDS = 2.0
ENDINGS = 5

# Rows that somebody has claimed: those that are due and whose lock cannot be had.
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


def die_again_and_again(scene: Scene, failpoint: str) -> Witness:
    witness = Witness(scene)
    scene.begin_load()
    with scene.fault():
        for _ in range(DEATHS):
            scene.dress("relay", FAILPOINTS=f"{failpoint}=kill:{EVENTS_A_LIFE}")
            scene.dies("relay")
        scene.undress("relay")
    return witness


@row(3, "relay SIGKILL before the publish", "the relay died at the failpoint; published anew")
def dies_before_publish(scene: Scene) -> None:
    die_again_and_again(scene, "events.relay.before_publish")


@row(4, "relay SIGKILL after the confirm, before the mark", "died; messages seen twice")
def dies_after_confirm(scene: Scene) -> None:
    witness = die_again_and_again(scene, "events.relay.after_confirm")
    scene.count("messages seen twice", witness.doubled())


@row(5, "confirm lost: broker to relay is swallowed", "bytes swallowed; messages seen twice")
def confirm_lost(scene: Scene) -> None:
    witness = Witness(scene)
    proxy, url = scene.proxy("BROKER_URL")
    scene.dress("relay", BROKER_URL=url)
    scene.begin_load()
    with scene.fault():
        proxy.swallow(Way.BACK)
        # Longer than the relay waits for a confirm, so that it gives up on its own.
        time.sleep(12)
        proxy.heal()
    scene.until(lambda: witness.doubled(), "a message that comes twice")
    scene.count("bytes swallowed", proxy.disturbed)
    scene.count("messages seen twice", witness.doubled())


@row(6, "two relays", "both published; the longest wait in the outbox in figures")
def two_relays(scene: Scene) -> None:
    proxies = []
    command = scene.house.table["relay"]
    for name in ("relay", "relay-2"):
        proxy, url = scene.proxy("BROKER_URL")
        proxies.append((name, proxy))
        if name == "relay":
            scene.dress(name, BROKER_URL=url)
        else:
            scene.add(name, Command(command.arguments, command.tier, command.ready), BROKER_URL=url)
    opened = {name: proxy.passed[Way.OUT] for name, proxy in proxies}
    scene.begin_load()
    with scene.fault():
        time.sleep(15)
    for name, proxy in proxies:
        scene.count(f"bytes published by {name}", proxy.passed[Way.OUT] - opened[name])
    with scene.sql().cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(published_at - due_at))::float FROM events_outboxevent"
        )
        waited = cursor.fetchone()[0]
    scene.figures["longest_outbox_wait_s"] = round(waited, 2)
    scene.demand(waited < 5, f"an event waited {waited:.1f} s in the outbox")


@row(37, "relay SIGSTOP for 120 s in its transaction", "events held; published later", limit=240)
def frozen(scene: Scene) -> None:
    connection = scene.sql()
    proxy, url = scene.proxy("BROKER_URL")
    # It sleeps between the claim and the publish, and so has rows locked most of the time.
    scene.dress("relay", BROKER_URL=url, FAILPOINTS="events.relay.before_publish=sleep:0.1")
    command = scene.house.table["relay"]
    scene.add("relay-2", Command(command.arguments, command.tier, command.ready))
    since = newest(scene)
    load = scene.begin_load(rate=6)
    with scene.fault():
        held = scene.until(lambda: freeze_with_rows(scene, connection), "rows that it holds", 60)
        frozen_at = time.monotonic()
        left = {"ids": held}
        scene.count("events that it held", len(held))
        scene.until(lambda: query(connection, LEFT, left) == [(0,)], "its events out", 110)
        out_after = time.monotonic() - frozen_at + HELD_SECONDS
        scene.figures["held_events_out_after_s"] = round(out_after, 1)
        limit = f"the events that it held were out after {out_after:.1f} s"
        scene.demand(out_after <= OUT_SECONDS, limit)
        time.sleep(max(frozen_at + FROZEN_SECONDS - time.monotonic(), 0))
        published = proxy.passed[Way.OUT]
        pid = scene.send("relay", signal.SIGCONT)
    time.sleep(10)
    load.stop()
    scene.demand(scene.house.processes.pid("relay") == pid, "it ended when it woke")
    scene.count("bytes published by it after it woke", proxy.passed[Way.OUT] - published)
    scene.until(lambda: not scene.pending(), "an empty outbox")
    time.sleep(3)
    demand_in_time(scene, since, allowed=OUT_SECONDS + TARGET_SECONDS)


def freeze_with_rows(scene: Scene, connection) -> list[int]:
    """Stop the relay; the events that it still holds a while later, or else let it go on."""
    if not (held := query(connection, HELD)[0][0]):
        return []
    scene.send("relay", signal.SIGSTOP)
    time.sleep(HELD_SECONDS)
    if not (held := sorted({*held} & {*query(connection, HELD)[0][0]})):
        scene.send("relay", signal.SIGCONT)
    return held


@row(41, "the relay's LISTEN session ended", "sessions ended; sessions that came after them")
def deaf(scene: Scene) -> None:
    connection = scene.sql()
    since = newest(scene)
    pid = scene.house.processes.pid("relay")
    load = scene.begin_load()
    with scene.fault():
        for _ in range(ENDINGS):
            sessions = query(connection, LISTENING)
            for (session,) in sessions:
                query(connection, "SELECT pg_terminate_backend(%(pid)s)", {"pid": session})
            scene.count("sessions ended", len(sessions))
            scene.until(lambda s=sessions: set(query(connection, LISTENING)) - {*s}, "another")
            scene.count("sessions that came after them")
            time.sleep(2)
    time.sleep(3)
    load.stop()
    scene.demand(scene.house.processes.pid("relay") == pid, "the relay ended with its session")
    scene.until(lambda: not scene.pending(), "an empty outbox")
    time.sleep(3)
    demand_in_time(scene, since)
