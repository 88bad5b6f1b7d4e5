"""The broker dies, is stopped, raises an alarm, closes connections, or loses its queues."""

import time

from faults.attempts import latencies, percentile
from faults.declaration import row
from faults.scene import Scene
from stack.rabbitmq_files import CONFIGURATION

STOPPED_SECONDS = 60.0
KILLS = 5
KILLS_SECONDS = 300.0
ALARM_SECONDS = 20.0
# Posting may take three times as long during an alarm; below this nobody would notice.
P99_FLOOR_SECONDS = 0.1
# What the configuration of the node says, to be set again after an alarm.
MEMORY, DISK = (
    next(line for line in CONFIGURATION.splitlines() if line.startswith(name)).split(" = ")[1]
    for name in ("vm_memory_high_watermark.absolute", "disk_free_limit.absolute")
)


def kill_and_start(scene: Scene) -> None:
    server = scene.house.rabbitmq
    scene.count("pids killed", bool(server.pid))
    server.kill()
    scene.bring_back(server)


def taken_at_once(scene: Scene) -> None:
    """Every post of the fault's time was answered 201 at its first request."""
    begun, ended = scene.fault_began_at, scene.fault_ended_at
    during = [a for a in scene.load.attempts if begun <= a.begun_at < ended]
    scene.until(lambda: all(a.answered for a in during), "an answer to every post")
    refused = [a for a in during if not a.at_once]
    scene.count("posts taken during it", len(during) - len(refused))
    scene.demand(not refused, f"{len(refused)} of {len(during)} posts were not taken at once")


def posting_was_unharmed(scene: Scene) -> None:
    """Every post of the fault's time was answered 201 at once, about as fast as before it."""
    taken_at_once(scene)
    attempts = scene.load.attempts
    begun, ended = scene.fault_began_at, scene.fault_ended_at
    before = percentile(latencies(attempts, scene.load_begun_at, begun), 0.99)
    p99 = percentile(latencies(attempts, begun, ended), 0.99)
    scene.figures["post_p99_ms_before"] = round(before * 1000)
    allowed = max(3 * before, P99_FLOOR_SECONDS)
    scene.demand(p99 <= allowed, f"posting's p99 was {p99:.3f} s, before it {before:.3f} s")


@row(14, "broker SIGKILL under load", "pid killed; refused connections of the relay")
def broker_dies(scene: Scene) -> None:
    lost = scene.logged("relay", "relay waits")
    scene.begin_load()
    with scene.fault():
        kill_and_start(scene)
    scene.until(lost, "a lost connection in the relay's log")
    scene.count("connections that the relay lost", lost())


@row(15, "broker stopped for 60 s", "posts taken meanwhile; refused connections", limit=170)
def broker_stopped(scene: Scene) -> None:
    lost = scene.logged("relay", "relay waits")
    scene.begin_load(warm=10)
    server = scene.house.rabbitmq
    with scene.fault():
        server.stop()
        time.sleep(STOPPED_SECONDS)
        posting = time.monotonic()
        scene.bring_back(server)
    scene.figures["seconds_to_start_broker"] = round(time.monotonic() - posting, 1)
    scene.count("refused connections of the relay", lost())
    posting_was_unharmed(scene)


@row(16, "broker killed 5 times in 5 minutes", "pids killed; refused connections", limit=420)
def broker_dies_often(scene: Scene) -> None:
    lost = scene.logged("relay", "relay waits")
    scene.begin_load(rate=6)
    for number in range(KILLS):
        begun = time.monotonic()
        with scene.fault():
            kill_and_start(scene)
        rest = KILLS_SECONDS / KILLS - (time.monotonic() - begun)
        time.sleep(max(rest, 0) if number + 1 < KILLS else 0)
    scene.count("refused connections of the relay", lost())


def alarm(scene: Scene, on: tuple[str, ...], off: tuple[str, ...]) -> None:
    """Tasks wait in the lane before the alarm, for slow workers; they are done during it."""
    ctl = scene.house.rabbitmq.ctl
    lanes = ("timelines.high", "timelines.low")
    scene.begin_load(warm=8)
    scene.dress("timelines-high-worker", FAILPOINTS="timelines.in_slice=sleep:0.05")
    scene.until(lambda: scene.house.broker.ready(*lanes) > 20, "tasks that wait in the lanes")
    scene.at_end(lambda: ctl(*off))
    with scene.fault():
        ctl(*on)
        scene.count("tasks waiting when it began", scene.house.broker.ready(*lanes))
        pending = scene.pending()
        worked_off = scene.until(
            lambda: not scene.house.broker.ready(*lanes) and time.monotonic(),
            "tasks worked off during the alarm",
            ALARM_SECONDS + 10,
        )
        begun = scene.fault_began_at
        scene.figures["worked_off_after_s"] = round(worked_off - begun, 1)
        time.sleep(max(begun + ALARM_SECONDS - time.monotonic(), 0))
        scene.count("events waiting in the outbox", scene.pending() - pending)
        ctl(*off)
    posting_was_unharmed(scene)


@row(17, "memory alarm under load", "tasks worked off and events kept back during it")
def memory_alarm(scene: Scene) -> None:
    setting = ("set_vm_memory_high_watermark", "absolute")
    alarm(scene, (*setting, "1MB"), (*setting, MEMORY))


@row(18, "disk alarm under load", "tasks worked off and events kept back during it")
def disk_alarm(scene: Scene) -> None:
    alarm(scene, ("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", DISK))


@row(19, "every client connection closed in mid-publish", "connections closed; relay waits")
def connections_closed(scene: Scene) -> None:
    lost = scene.logged("relay", "relay waits")
    scene.begin_load()
    with scene.fault():
        for _ in range(3):
            scene.count("connections closed", len(scene.house.broker.connections()))
            scene.house.rabbitmq.ctl("close_all_connections", "a fault")
            time.sleep(2)
    scene.count("connections that the relay lost", lost())
