"""The table of Connectify's processes: the command line of each, and how to tell that it is
ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

from connectify.installed import APPS
from devtools.processes.readiness import Ready, answers, consumed, listening
from events import declarations, processes
from events.topology import DEAD_QUEUE_NAME

declarations.load(APPS)

LOOPBACK = "127.0.0.1"
CELERY = ("-m", "celery", "-A", "celery_app")

# By process name, as the subscribers declare them.
CONSUMERS = {each.name: each for each in processes.consumers()}
WORKERS = {each.name: each for each in processes.workers()}
# The consumers of events, which leaves out the one of dead letters.
EVENT_CONSUMERS = [name for name, each in CONSUMERS.items() if each.queue != DEAD_QUEUE_NAME]
QUEUES = (
    *(each.queue for each in CONSUMERS.values()),
    *chain.from_iterable(each.lanes for each in WORKERS.values()),
)


class Tier(IntEnum):
    """The order of stopping: a process stops before those that still work for it."""

    WEB = 1
    RELAY = 2
    CONSUMERS = 3
    WORKERS = 4
    OUTSIDE = 5


@dataclass(frozen=True)
class Command:
    """Arguments for the Python interpreter, the tier, and the check whether it is ready."""

    arguments: tuple[str, ...]
    tier: Tier
    ready: Ready


def connectify(
    environ: Mapping[str, str], *, web_port: int, flower_port: int
) -> dict[str, Command]:
    """Every process by its name. `environ` are the variables that the processes will run with; this
    function uses the addresses of database and broker in it."""
    broker = environ["BROKER_URL"]
    return {
        "web": web(web_port),
        "relay": Command(
            ("manage.py", "relay_outbox"),
            Tier.RELAY,
            listening(environ.get("DATABASE_DIRECT_URL", environ["DATABASE_URL"])),
        ),
        **{name: consumer(broker, each) for name, each in CONSUMERS.items()},
        **{name: worker(broker, each) for name, each in WORKERS.items()},
        "beat": Command((*CELERY, "beat"), Tier.WORKERS, lambda: True),
        "flower": Command(
            # The password is passed in FLOWER_BASIC_AUTH, because every user can read a command
            # line.
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
    # The control socket would be in the home directory, and shared by all clones.
    arguments = ("-m", "gunicorn", "--bind", address, "--no-control-socket")
    size = ("--workers", "2", "--threads", "4")
    return Command(
        (*arguments, *size, "connectify.wsgi"), Tier.WEB, answers(f"http://{address}/health/live/")
    )


def consumer(broker_url: str, declared: processes.Consumer) -> Command:
    question = consumed(broker_url, declared.queue)
    return Command(("manage.py", "consume", declared.subscriber), Tier.CONSUMERS, question)


def worker(broker_url: str, declared: processes.Worker) -> Command:
    # Workers do not need to know of each other.
    manner = ("--without-mingle", "--without-gossip", "-l", "WARNING")
    arguments = (*CELERY, "worker", *declared.arguments, *manner)
    return Command(arguments, Tier.WORKERS, consumed(broker_url, *declared.lanes))
