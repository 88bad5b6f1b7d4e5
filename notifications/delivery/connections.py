"""HTTP/1.1 over kept-alive connections, for Web Push.

A request takes a ninth of the CPU time that it takes with aiohttp (20 against 190 µs). That
matters because sending a push consists of the request, its encryption, and little else.

Guarantee: a connection is reused only after its last response was read to the end. At most
ANSWER_LIMIT bytes of a response are read. Redirects are not followed and no proxy is used.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import aiohappyeyeballs
import httptools
from aiohappyeyeballs import AddrInfoType

from notifications.delivery.addresses import checked_socket

ANSWER_LIMIT = 16_384
# Connections that were idle for this long are closed. Push services close connections after a
# minute or more; with this margin a push seldom uses a connection that is just being closed.
IDLE_SECONDS = 30.0
# How long a name's addresses are reused: many connections open at once and share one look-up.
ADDRESS_SECONDS = 10.0
# How long a connection waits for the rest of a body. Nobody needs the body, because the status says
# everything; but only a connection whose response was read to the end can be reused.
BODY_SECONDS = 2.0
NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305, section 5
FINAL = 200  # After a status below this another response follows (RFC 9110, section 15.2).


class AnswerError(OSError):
    """The peer sent something other than HTTP, or more than ANSWER_LIMIT bytes."""


class Reply(NamedTuple):
    """The final status, and the headers by lower-case name."""

    status: int
    headers: Mapping[str, str]


class Connections:
    """The connections of one event loop. Their number is not limited here; the caller must limit
    its requests."""

    def __init__(self) -> None:
        # Origins without idle connections have no entry: clients choose the origins, so entries
        # that stay would grow without limit.
        self._idle: dict[str, dict[_Connection, None]] = {}
        self._addresses: dict[tuple[str, int], asyncio.Task[Sequence[AddrInfoType]]] = {}
        self._all: set[_Connection] = set()

    def __len__(self) -> int:
        return len(self._all)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a POST request. Raises OSError if it fails. When cancelled, it closes the
        connection: the late response would otherwise be taken for that of the next request."""
        scheme, location = url.split("://", 1)
        host, slash, path = location.partition("/")
        origin = f"{scheme}://{host}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {slash or '/'}{path.partition('#')[0]} HTTP/1.1\r\nHost: {host}\r\n"
            f"{lines}Content-Length: {len(body)}\r\n\r\n"
        )
        connection = self._take(origin) or await self._connect(origin)
        reply = connection.send(head.encode("ascii") + body)
        try:
            return await reply
        finally:
            if not reply.done() or reply.cancelled():
                connection.abort()

    def close(self) -> None:
        for connection in list(self._all):
            connection.abort()

    def _take(self, origin: str) -> "_Connection | None":
        """The most recently used idle connection, or None. So surplus connections stay idle until
        they are closed."""
        while idle := self._idle.get(origin):
            connection = next(reversed(idle))
            connection.leave_idle()
            if connection.is_usable():
                return connection
        return None

    async def _connect(self, origin: str) -> "_Connection":
        url = urlsplit(origin)
        secure = url.scheme == "https"
        port = url.port or (443 if secure else 80)
        sock = await aiohappyeyeballs.start_connection(
            await self._resolve(url.hostname or "", port),
            happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
            interleave=1,
            socket_factory=checked_socket,
        )
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(origin, self._idle, self._all),
                sock=sock,
                ssl=_tls() if secure else None,
                server_hostname=url.hostname if secure else None,
            )
        except BaseException:
            sock.close()
            raise
        return connection

    async def _resolve(self, host: str, port: int) -> Sequence[AddrInfoType]:
        """The result of getaddrinfo(). All calls within ADDRESS_SECONDS share one look-up."""
        loop = asyncio.get_running_loop()
        lookup = self._addresses.get((host, port))
        if lookup is None or (lookup.done() and lookup.exception()):
            lookup = loop.create_task(loop.getaddrinfo(host, port, type=1))
            # Retrieve the exception: asyncio logs an error for a failed task that nobody awaited.
            lookup.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._addresses[host, port] = lookup
            loop.call_later(ADDRESS_SECONDS, self._addresses.pop, (host, port), None)
        # Shield it: a cancelled caller must not cancel the look-up that others share.
        return await asyncio.shield(lookup)


class _Connection(asyncio.Protocol):
    """One connection. It handles one request at a time."""

    def __init__(
        self,
        origin: str,
        idle: "dict[str, dict[_Connection, None]]",
        all_: "set[_Connection]",
    ) -> None:
        self._origin = origin
        self._idle = idle
        self._all = all_
        self._loop = asyncio.get_running_loop()
        self._reply: asyncio.Future[Reply] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._is_idle = False

    # --- what Connections calls ---

    def send(self, request: bytes) -> "asyncio.Future[Reply]":
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._bytes_left = self._header_bytes_left = ANSWER_LIMIT
        self._complete = self._keep_alive = False
        self._reply = self._loop.create_future()
        self._transport.write(request)
        return self._reply

    def is_usable(self) -> bool:
        """True unless the peer has just closed it."""
        return not self._transport.is_closing()

    def abort(self) -> None:
        self._transport.abort()

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have its methods, but are no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._all.add(self)

    def data_received(self, data: bytes) -> None:
        if self._reply is None:
            # There is no request. Close the connection, or the data would be taken for the
            # response to the next one.
            self.abort()
            return
        self._bytes_left -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._bytes_left = -1
        if self._bytes_left < 0:
            self._fail(AnswerError("the answer is not HTTP, or too long"))
            self.abort()
        elif self._complete:
            self._become_idle()
        elif self._reply.done() and not self._expiry:
            self._expiry = self._loop.call_later(BODY_SECONDS, self.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self._all.discard(self)
        if self._is_idle:
            self.leave_idle()
        self._stop_expiry()
        self._fail(error or ConnectionResetError("the connection was closed"))

    # --- httptools' callbacks ---

    def on_message_begin(self) -> None:
        self._headers = {}
        if self._complete:
            self._bytes_left = -1  # A second response to one request.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._header_bytes_left -= len(name) + len(value)

    def on_headers_complete(self) -> None:
        # Reply before the body has come: the status says everything, and the body may be slow.
        status, reply = self._parser.get_status_code(), self._reply
        final = status >= FINAL and self._header_bytes_left >= 0
        if final and reply and not reply.done():
            reply.set_result(Reply(status, self._headers))

    def on_message_complete(self) -> None:
        self._complete = self._parser.get_status_code() >= FINAL
        self._keep_alive = self._parser.should_keep_alive()

    # --- between requests ---

    def _become_idle(self) -> None:
        """After a complete response: keep the connection for the next request, or close it if the
        peer does not keep it alive."""
        if self._transport.is_closing():
            return
        self._reply, self._complete = None, False
        self._stop_expiry()
        if not self._keep_alive:
            self.abort()
            return
        self._is_idle = True
        self._idle.setdefault(self._origin, {})[self] = None
        self._expiry = self._loop.call_later(IDLE_SECONDS, self.abort)

    def leave_idle(self) -> None:
        """Remove this connection from the idle ones."""
        self._is_idle = False
        self._stop_expiry()
        idle = self._idle[self._origin]
        del idle[self]
        if not idle:
            del self._idle[self._origin]

    def _stop_expiry(self) -> None:
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None

    def _fail(self, error: Exception) -> None:
        if self._reply and not self._reply.done():
            self._reply.set_exception(error)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
