"""The table of Connectify's processes: the command line of each, and how to know it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from stack.processes.readiness import Ready, answers, consumed, listening

LOOPBACK = "127.0.0.1"


class Tier(IntEnum):
    """The order of stopping: nobody loses whom it still has work for."""

    WEB = 1
    RELAY = 2
    CONSUMERS = 3
    WORKERS = 4
    OUTSIDE = 5


@dataclass(frozen=True)
class Command:
    """Arguments for the Python interpreter, the tier, and the question whether it is ready."""

    arguments: tuple[str, ...]
    tier: Tier
    ready: Ready


def connectify(
    environ: Mapping[str, str], *, web_port: int, flower_port: int, schedule: Path
) -> dict[str, Command]:
    """Every process by its name. `schedule` is the file in which beat keeps what it has started.

    environ: what the processes will run with; of it, the addresses of database and broker are
    used here.
    """
    broker = environ["BROKER_URL"]
    return {
        "web": web(web_port),
        "relay": Command(
            ("manage.py", "relay_outbox"),
            Tier.RELAY,
            listening(environ.get("DATABASE_DIRECT_URL", environ["DATABASE_URL"])),
        ),
        "timelines-consumer": consumer(broker, "timelines", "timeline.worker"),
        "notifications-consumer": consumer(broker, "notifications", "push.worker"),
        "analytics-consumer": consumer(broker, "analytics", "analytics.worker"),
        "dead-letters-consumer": consumer(broker, "dead_letters", "dead.letters"),
        "timelines-worker": worker(broker, "timelines", 2, "timelines.high", "timelines.low"),
        "notifications-worker": worker(
            broker, "notifications", 1, "notifications.high", "notifications.retry"
        ),
        "rest-worker": worker(broker, "rest", 1, "analytics.low", "operations.low"),
        "beat": Command((*CELERY, "beat", "-s", str(schedule)), Tier.WORKERS, lambda: True),
        "flower": Command(
            # The password comes by FLOWER_BASIC_AUTH: everyone can read a command line.
            (*CELERY, "flower", f"--address={LOOPBACK}", f"--port={flower_port}"),
            Tier.WORKERS,
            answers(f"http://{LOOPBACK}:{flower_port}/healthcheck"),
        ),
    }


CELERY = ("-m", "celery", "-A", "celery_app")


def web(port: int) -> Command:
    address = f"{LOOPBACK}:{port}"
    # Its control socket would lie in the home directory, one for all that run there.
    arguments = ("-m", "gunicorn", "--bind", address, "--no-control-socket")
    size = ("--workers", "2", "--threads", "4")
    return Command(
        (*arguments, *size, "connectify.wsgi"), Tier.WEB, answers(f"http://{address}/health/live/")
    )


def consumer(broker_url: str, name: str, queue: str) -> Command:
    return Command(("manage.py", "consume", name), Tier.CONSUMERS, consumed(broker_url, queue))


def worker(broker_url: str, name: str, concurrency: int, *lanes: str) -> Command:
    """A Celery worker for the lanes, with so many processes."""
    place = ("-Q", ",".join(lanes), "-c", str(concurrency), "-n", f"{name}@%h")
    # Workers need no news of each other, and no task may wait behind another in one process.
    manner = ("-O", "fair", "--without-mingle", "--without-gossip", "-l", "WARNING")
    return Command((*CELERY, "worker", *place, *manner), Tier.WORKERS, consumed(broker_url, *lanes))
