"""Checks whether a server serves clients, with the driver that Connectify uses.

A port that accepts connections is not enough. Each probe returns the server's version, such
as "18.4", where the driver tells it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

import amqp
import kombu.exceptions
import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 3  # for connecting, and again for an answer
ERRORS = (OSError, ValueError, psycopg2.Error, amqp.AMQPError, kombu.exceptions.KombuError)


class Unreachable(Exception):
    """A server does not answer; the message is a few words."""


def postgres(url: str) -> str:
    """Raise Unreachable unless PostgreSQL at this URL accepts a login."""
    with explained(), closing(psycopg2.connect(url, connect_timeout=TIMEOUT_SECONDS)) as client:
        # "15.18 (Debian 15.18-0+deb12u1)"; PgBouncer tells its server's.
        return (client.info.parameter_status("server_version") or "").partition(" ")[0]


def rabbitmq(url: str) -> str:
    """Raise Unreachable unless a broker at one of the ";"-separated URLs accepts a login."""
    problems = []
    for one in url.split(";"):
        try:
            with explained():
                client = kombu.Connection(one, connect_timeout=TIMEOUT_SECONDS)
                # Unlike client.connect() it does not retry after a pause of two seconds.
                with closing(client.transport.establish_connection()) as connection:
                    return connection.server_properties.get("version", "")
        except Unreachable as problem:
            problems.append(str(problem))
    raise Unreachable("; ".join(problems))


def valkey(url: str) -> str:
    """Raise Unreachable unless Valkey or Redis at this URL accepts the password and answers
    PING."""
    limits = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), TIMEOUT_SECONDS)
    with explained(), redis.Redis.from_url(url, **limits, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()
    return ""


def address(url: str, default_port: int) -> tuple[str, int] | str:
    """The address in a URL: (host, port), or the path of a UNIX socket."""
    parts = urlsplit(url)
    host = unquote(parts.hostname or parse_qs(parts.query).get("host", [""])[0])
    if parts.scheme in ("unix", "redis+socket"):
        return parts.path
    if host.startswith("/"):
        return f"{host}/.s.PGSQL.{parts.port or default_port}"
    return (host or "localhost", parts.port or default_port)


@contextmanager
def explained() -> Iterator[None]:
    """Raise Unreachable with the driver's message for errors in the block."""
    try:
        yield
    except (*ERRORS, redis.RedisError) as error:
        words = str(error) or type(error).__name__
        raise Unreachable(" ".join(words.split())[:200]) from error
