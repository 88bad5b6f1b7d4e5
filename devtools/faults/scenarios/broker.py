"""The broker dies, is stopped, raises an alarm, closes connections, or loses its queues."""

import time

from devtools.faults.declaration import scenario
from devtools.faults.run import Run
from devtools.servers.rabbitmq_files import CONFIGURATION

STOPPED_SECONDS = 60.0
KILLS = 5
KILLS_SECONDS = 300.0
ALARM_SECONDS = 20.0
# Posting may take three times as long during an alarm. Below this limit nobody would notice.
P99_FLOOR_SECONDS = 0.1
# The values of the node's configuration, to be restored after an alarm.
MEMORY, DISK = (
    next(line for line in CONFIGURATION.splitlines() if line.startswith(name)).split(" = ")[1]
    for name in ("vm_memory_high_watermark.absolute", "disk_free_limit.absolute")
)


def kill_and_start(run: Run) -> None:
    server = run.rabbitmq
    run.count("pids killed", bool(server.pid))
    server.kill()
    run.bring_back(server)


def taken_at_once(run: Run) -> None:
    """Demand that every post during the fault was answered 201 at its first request."""
    begun, ended = run.fault_began_at, run.fault_ended_at
    during = [a for a in run.load.attempts if begun <= a.begun_at < ended]
    run.until(lambda: all(a.answered for a in during), "an answer to every post")
    refused = [a for a in during if not a.at_once]
    run.count("posts taken during it", len(during) - len(refused))
    run.demand(not refused, f"{len(refused)} of {len(during)} posts were not taken at once")


def posting_was_unharmed(run: Run) -> None:
    """Demand that every post during the fault was answered 201 at once, about as fast as before."""
    taken_at_once(run)
    attempts = run.load.attempts
    begun, ended = run.fault_began_at, run.fault_ended_at
    before = attempts.latencies(run.load_begun_at, begun).p99 or 0.0
    p99 = attempts.latencies(begun, ended).p99 or 0.0
    run.figures["post_p99_ms_before"] = round(before * 1000)
    allowed = max(3 * before, P99_FLOOR_SECONDS)
    run.demand(p99 <= allowed, f"posting's p99 was {p99:.3f} s, before it {before:.3f} s")


@scenario(14, "broker SIGKILL under load", "pid killed; refused connections of the relay")
def broker_dies(run: Run) -> None:
    lost = run.logged("relay", "relay waits")
    run.begin_load()
    with run.fault():
        kill_and_start(run)
    run.until(lost, "a lost connection in the relay's log")
    run.count("connections that the relay lost", lost())


@scenario(15, "broker stopped for 60 s", "posts taken meanwhile; refused connections", limit=170)
def broker_stopped(run: Run) -> None:
    lost = run.logged("relay", "relay waits")
    run.begin_load(warm=10)
    server = run.rabbitmq
    with run.fault():
        server.stop()
        time.sleep(STOPPED_SECONDS)
        posting = time.monotonic()
        run.bring_back(server)
    run.figures["seconds_to_start_broker"] = round(time.monotonic() - posting, 1)
    run.count("refused connections of the relay", lost())
    posting_was_unharmed(run)


@scenario(16, "broker killed 5 times in 5 minutes", "pids killed; refused connections", limit=420)
def broker_dies_often(run: Run) -> None:
    lost = run.logged("relay", "relay waits")
    run.begin_load(rate=6)
    for number in range(KILLS):
        begun = time.monotonic()
        with run.fault():
            kill_and_start(run)
        remaining = KILLS_SECONDS / KILLS - (time.monotonic() - begun)
        time.sleep(max(remaining, 0) if number + 1 < KILLS else 0)
    run.count("refused connections of the relay", lost())


def alarm(run: Run, on: tuple[str, ...], off: tuple[str, ...]) -> None:
    """Let tasks pile up in the lanes for slow workers, raise the alarm, and demand that they are
    done during it."""
    ctl = run.rabbitmq.ctl
    lanes = ("timelines.high", "timelines.low")
    run.begin_load(warm=8)
    run.restart("timelines-high-worker", FAILPOINTS="timelines.fanout.in_slice=sleep:0.05")
    run.until(lambda: run.broker.ready(*lanes) > 20, "tasks that wait in the lanes")
    run.at_end(lambda: ctl(*off))
    with run.fault():
        ctl(*on)
        run.count("tasks waiting when it began", run.broker.ready(*lanes))
        pending = run.pending()
        worked_off = run.until(
            lambda: not run.broker.ready(*lanes) and time.monotonic(),
            "tasks done during the alarm",
            ALARM_SECONDS + 10,
        )
        begun = run.fault_began_at
        run.figures["worked_off_after_s"] = round(worked_off - begun, 1)
        time.sleep(max(begun + ALARM_SECONDS - time.monotonic(), 0))
        run.count("events waiting in the outbox", run.pending() - pending)
        ctl(*off)
    posting_was_unharmed(run)


@scenario(17, "memory alarm under load", "tasks done and events kept back during it")
def memory_alarm(run: Run) -> None:
    setting = ("set_vm_memory_high_watermark", "absolute")
    alarm(run, (*setting, "1MB"), (*setting, MEMORY))


@scenario(18, "disk alarm under load", "tasks done and events kept back during it")
def disk_alarm(run: Run) -> None:
    alarm(run, ("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", DISK))


@scenario(19, "every client connection closed in mid-publish", "connections closed; relay waits")
def connections_closed(run: Run) -> None:
    lost = run.logged("relay", "relay waits")
    run.begin_load()
    with run.fault():
        for _ in range(3):
            run.count("connections closed", len(run.broker.connections()))
            run.rabbitmq.ctl("close_all_connections", "a fault")
            time.sleep(2)
    run.count("connections that the relay lost", lost())
