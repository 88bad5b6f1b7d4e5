"""Gives the demo a database, a virtual host and a Valkey database of its own on the existing
servers. They are made anew for each run, so development data and tests are not touched."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import amqp.exceptions
import psycopg2
import redis
from kombu import Connection

from devtools.lab import interruption
from devtools.lab.failure import Refused
from devtools.lab.progress import Progress
from devtools.processes import QUEUES
from devtools.servers import databases, vhosts
from devtools.servers.lifecycle import bring_down, side_by_side
from devtools.servers.process import ServerFailure
from devtools.servers.services import Services

DATABASE = "connectify_demo"
VHOST = "demo"
VALKEY_DATABASE = 1


@contextmanager
def serving(services: Services, progress: Progress) -> Iterator[None]:
    """Run PostgreSQL, RabbitMQ and Valkey: the clone's own, or those that the environment names.

    Servers that ran before keep running afterwards. Raises ServerFailure with a line for each
    server that cannot be reached.
    """
    stopped = [server for server in services.private if not server.running]
    try:
        services.up(progress.stage)
        if problems := [str(entry) for entry in services.status() if not entry.reachable]:
            raise ServerFailure("\n".join(problems))
        yield
    finally:
        with interruption.put_off():
            ours = [server for server in stopped if server.running]
            side_by_side(ours, bring_down, progress.stage)


@contextmanager
def made(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the environment with addresses of the demo's own. Raises ServerFailure, and Refused if
    the broker is an external one in use."""
    management_url = environ.get("BROKER_MANAGEMENT_URL")
    # The broker comes first: it may refuse, and then nothing has been changed yet.
    broker = make_broker(environ["BROKER_URL"], management_url)
    try:
        yield {
            **environ,
            "DATABASE_DIRECT_URL": make_database(environ["DATABASE_DIRECT_URL"]),
            "DATABASE_URL": databases.url(environ["DATABASE_URL"], DATABASE),
            "BROKER_URL": broker,
            "REDIS_URL": make_valkey(environ["REDIS_URL"]),
        }
    finally:
        # The database stays, for inspection. Queues that stayed would disturb the next run.
        if management_url:
            with interruption.put_off(), suppress(OSError):
                vhosts.fresh(management_url, broker, VHOST)


def make_database(url: str) -> str:
    try:
        return databases.make(url, DATABASE)
    except psycopg2.Error as error:
        raise ServerFailure(
            f"the database {DATABASE} cannot be made anew ({str(error).strip()}): give the user of"
            " DATABASE_URL the right CREATEDB, or unset DATABASE_URL"
        ) from error


def make_broker(url: str, management_url: str | None) -> str:
    """The broker's URL with a clean virtual host; the URL unchanged if we cannot make one."""
    if management_url is None:
        refuse_used_queues(url)
        return url
    try:
        return vhosts.fresh(management_url, url, VHOST)
    except OSError as error:
        raise ServerFailure(
            f"the virtual host {VHOST} cannot be made anew ({error}): correct or unset"
            " BROKER_MANAGEMENT_URL, whose user needs the administrator tag"
        ) from error


def refuse_used_queues(url: str) -> None:
    with Connection(url, connect_timeout=5) as broker:
        for name in QUEUES:
            try:
                queue = broker.channel().queue_declare(name, passive=True)
            except amqp.exceptions.NotFound:
                continue
            if queue.message_count or queue.consumer_count:
                raise Refused(
                    f"the queue {name} at BROKER_URL holds {queue.message_count} messages and has"
                    f" {queue.consumer_count} consumers: give the demo an empty virtual host, or"
                    " set BROKER_MANAGEMENT_URL"
                )


def make_valkey(url: str) -> str:
    own = databases.url(url, str(VALKEY_DATABASE))
    with redis.Redis.from_url(own) as valkey:
        valkey.flushdb()
    return own
