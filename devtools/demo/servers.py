"""The servers of a run: started where they do not run, and then stopped again after it."""

from collections.abc import Iterator
from contextlib import contextmanager

from devtools.demo.failure import DemoFailure
from devtools.lab import interruption
from devtools.lab.progress import Progress
from devtools.servers.lifecycle import bring_down, side_by_side
from devtools.servers.services import Services


@contextmanager
def serving(services: Services, progress: Progress) -> Iterator[None]:
    """PostgreSQL, RabbitMQ and Valkey, the clone's own or those that the environment names.

    Raises DemoFailure that says which server cannot be reached where, and ServerFailure. Servers
    that ran before run on afterwards.
    """
    asleep = [server for server in services.private if not server.running]
    try:
        services.up(progress.stage)
        refuse_unreachable(services)
        yield
    finally:
        with interruption.put_off():
            ours = [server for server in asleep if server.running]
            side_by_side(ours, bring_down, progress.stage)


def refuse_unreachable(services: Services) -> None:
    """Raises DemoFailure with a line for each server that does not answer."""
    problems = [str(entry) for entry in services.status() if not entry.reachable]
    if problems:
        raise DemoFailure("\n".join(problems))
