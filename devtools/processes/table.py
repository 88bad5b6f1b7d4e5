"""The table of Connectify's processes: the command line of each, and how to know it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

from devtools.processes.readiness import Ready, answers, consumed, listening

LOOPBACK = "127.0.0.1"
CELERY = ("-m", "celery", "-A", "celery_app")

# What `manage.py consume` is told, and the queue that it then consumes.
CONSUMERS = {
    "timelines": "timeline.worker",
    "notifications": "push.worker",
    "analytics": "analytics.worker",
    "dead_letters": "dead.letters",
}
# Each worker's lanes and its number of processes. Two cores of a laptop have no use for more.
WORKERS = {
    "timelines": (("timelines.high",), 2),
    "timelines-low": (("timelines.low",), 2),
    "notifications": (("notifications.high",), 2),
    "retries": (("notifications.retry",), 1),
    # One may be erasing a large account while the watermark is raised every few seconds.
    "rest": (("analytics.low", "events.low", "operations.low"), 2),
}
QUEUES = (*CONSUMERS.values(), *chain.from_iterable(lanes for lanes, _ in WORKERS.values()))


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
    environ: Mapping[str, str], *, web_port: int, flower_port: int
) -> dict[str, Command]:
    """Every process by its name.

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
        **{f"{name}-consumer": consumer(broker, name) for name in CONSUMERS},
        **{f"{name}-worker": worker(broker, name) for name in WORKERS},
        "beat": Command((*CELERY, "beat"), Tier.WORKERS, lambda: True),
        "flower": Command(
            # The password comes by FLOWER_BASIC_AUTH: everyone can read a command line.
            (
                *CELERY,
                "flower",
                f"--address={LOOPBACK}",
                f"--port={flower_port}",
                "--purge_offline_workers=600",
            ),
            Tier.WORKERS,
            answers(f"http://{LOOPBACK}:{flower_port}/healthcheck"),
        ),
    }


def web(port: int) -> Command:
    address = f"{LOOPBACK}:{port}"
    # Its control socket would lie in the home directory, one for all that run there.
    arguments = ("-m", "gunicorn", "--bind", address, "--no-control-socket")
    size = ("--workers", "2", "--threads", "4")
    return Command(
        (*arguments, *size, "connectify.wsgi"), Tier.WEB, answers(f"http://{address}/health/live/")
    )


def consumer(broker_url: str, name: str) -> Command:
    question = consumed(broker_url, CONSUMERS[name])
    return Command(("manage.py", "consume", name), Tier.CONSUMERS, question)


def worker(broker_url: str, name: str) -> Command:
    lanes, concurrency = WORKERS[name]
    place = ("-Q", ",".join(lanes), "-c", str(concurrency), "-n", f"{name}@%h")
    # Workers need no news of each other, and no task may wait behind another in one process.
    manner = ("-O", "fair", "--without-mingle", "--without-gossip", "-l", "WARNING")
    arguments = (*CELERY, "worker", *place, *manner)
    return Command(arguments, Tier.WORKERS, consumed(broker_url, *lanes))
