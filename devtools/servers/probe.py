"""Does a server answer in its own protocol? A port that merely accepts connections is not enough.

The question is who can be reached: of the passwords only Valkey's is tried, for it says nothing
before.
"""

import socket
import ssl
import struct
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

LIMIT = 3.0  # seconds for connecting, and again for the answer
TLS_SCHEMES = {"amqps", "rediss"}


class Unreachable(Exception):
    """Why a server does not answer, in a few words."""


def postgres(url: str) -> None:
    """Raise Unreachable unless PostgreSQL at this URL takes connections (as pg_isready asks)."""
    user = unquote(urlsplit(url).username or "postgres")
    parameters = b"".join(text.encode() + b"\0" for text in ("user", user)) + b"\0"
    startup = struct.pack("!ii", 8 + len(parameters), 196608) + parameters
    answer = _exchange(url, 5432, startup)
    # 57P03: it is starting up or shutting down. Any other refusal comes from a server in service.
    if not answer.startswith((b"R", b"E")) or b"57P03" in answer:
        raise Unreachable(_text(answer))


def rabbitmq(url: str) -> None:
    """Raise Unreachable unless a broker at one of the ";"-separated URLs opens AMQP 0-9-1."""
    problems = []
    for one in url.split(";"):
        try:
            answer = _exchange(one, 5671 if one.startswith("amqps") else 5672, b"AMQP\0\0\x09\x01")
        except Unreachable as problem:
            problems.append(str(problem))
            continue
        if answer.startswith(b"\x01\0\0"):  # a method frame on channel 0: Connection.Start
            return
        problems.append(_text(answer))
    raise Unreachable("; ".join(problems))


def valkey(url: str) -> None:
    """Raise Unreachable unless Valkey or Redis at this URL takes the password and answers PING."""
    parts = urlsplit(url)
    commands = [["PING"]]
    if parts.password:
        names = [unquote(name) for name in (parts.username, parts.password) if name]
        commands.insert(0, ["AUTH", *names])
    request = b"".join(map(_resp, commands))
    answer = _exchange(url, 6379, request, until=lambda text: text.count(b"\n") >= len(commands))
    if not answer.endswith(b"+PONG\r\n"):
        raise Unreachable(_text(answer))


def address(url: str, default_port: int) -> tuple[str, int] | str:
    """Where a URL points: (host, port), or the path of a UNIX socket."""
    parts = urlsplit(url)
    host = unquote(parts.hostname or parse_qs(parts.query).get("host", [""])[0])
    if parts.scheme in ("unix", "redis+socket"):
        return parts.path
    if host.startswith("/"):
        return f"{host}/.s.PGSQL.{parts.port or default_port}"
    return (host or "localhost", parts.port or default_port)


def _exchange(
    url: str, default_port: int, request: bytes, until: Callable[[bytes], bool] = bool
) -> bytes:
    """Connect, send request, return what has come when `until` is content."""
    answer = b""
    try:
        with _connect(url, address(url, default_port)) as connection:
            connection.sendall(request)
            while not until(answer):
                part = connection.recv(4096)
                if not part:
                    raise Unreachable(_text(answer) or "it closed the connection")
                answer += part
    except (OSError, ValueError) as error:
        raise Unreachable(str(getattr(error, "strerror", None) or error)) from error
    return answer


def _connect(url: str, where: tuple[str, int] | str) -> socket.socket:
    if isinstance(where, str):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(LIMIT)
        connection.connect(where)
        return connection
    connection = socket.create_connection(where, timeout=LIMIT)
    if urlsplit(url).scheme in TLS_SCHEMES:
        # Certificates are for the clients to check; here the question is whether anyone answers.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(connection, server_hostname=where[0])
    return connection


def _resp(command: list[str]) -> bytes:
    """A command in RESP, the protocol of Redis and Valkey."""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def _text(answer: bytes) -> str:
    printable = "".join(c if c.isprintable() else " " for c in answer.decode(errors="replace"))
    return " ".join(printable.split())[:120]
