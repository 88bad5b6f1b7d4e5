"""A TCP proxy that cuts, stalls, swallows or delays what passes it, in a thread of its own.

A stall is a server that lives and says nothing. What is swallowed never arrives, so that such
connections are cut when the proxy is healed. A blackhole is a network that is gone: not even the
kernel answers, neither to data nor to keepalives nor to who wants to connect.
"""

import asyncio
import ctypes
import socket
import struct
import threading
from contextlib import suppress
from enum import Enum

CHUNK = 65_536
LOOK_SECONDS = 0.02
# Of Linux, and not in the socket module. The filter is one instruction: return 0, drop the packet.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
DROP = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
DROP_ALL = struct.pack("HL", 1, ctypes.addressof(DROP))


# The connections of the client and of the server.
Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Way(Enum):
    """The directions, as the client sees them."""

    OUT = "client to server"
    BACK = "server to client"


class Manner(Enum):
    PASS = "pass"
    STALL = "stall"
    SWALLOW = "swallow"


class Proxy:
    """Listens on `port` of 127.0.0.1 before the server at `target`, a port of the same address.

    `passed` counts the bytes of each way, `disturbed` those that a fault met, `cuts` the
    connections cut.
    """

    def __init__(self, target: int):
        self.target = target
        self.port = 0
        self.passed = dict.fromkeys(Way, 0)
        self.disturbed = 0
        self.cuts = 0
        self._manner = dict.fromkeys(Way, Manner.PASS)
        self._delay = 0.0
        self._refusing = False
        self._open: set[Pair] = set()
        self._halves: set[Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> "Proxy":
        self._thread.start()
        self._call(self._listen())
        return self

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def connections(self) -> int:
        return len(self._open)

    def stall(self, *ways: Way) -> None:
        """Hold what comes until heal(); new connections are taken and hear nothing."""
        self._set(Manner.STALL, ways)

    def swallow(self, *ways: Way) -> None:
        self._set(Manner.SWALLOW, ways)

    def delay(self, seconds: float) -> None:
        self._delay = seconds

    def refuse(self) -> None:
        """Reset every connection there is, and each new one, until heal()."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Reset every connection there is."""
        self._call(self._abort())

    def blackhole(self) -> None:
        """Drop every packet of either side until heal(), after which TCP sends again."""
        self._set(Manner.STALL, Way)
        self._call(self._filter(SO_ATTACH_FILTER, DROP_ALL))

    def reset_half(self, way: Way) -> None:
        """Reset every connection on one side only, OUT the client's and BACK the server's. The
        other side hears of it when it sends something, as from a host that has started anew."""
        self._call(self._reset_half(way))

    def heal(self) -> None:
        swallowed = Manner.SWALLOW in self._manner.values()
        self._call(self._filter(SO_DETACH_FILTER, 0))
        self._set(Manner.PASS, Way)
        self._delay = 0.0
        self._refusing = False
        if swallowed:
            self.cut()

    def _set(self, manner: Manner, ways) -> None:
        for way in ways or Way:
            self._manner[way] = manner

    def _call(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader, writer) -> None:
        if self._refusing:
            self.cuts += 1
            reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            reset(writer)
            return
        pair = (writer, far_writer)
        self._open.add(pair)
        tasks = [
            asyncio.create_task(self._pump(reader, far_writer, Way.OUT, pair)),
            asyncio.create_task(self._pump(far_reader, writer, Way.BACK, pair)),
        ]
        await asyncio.wait(tasks)
        self._open.discard(pair)
        self._halves.discard(pair)

    async def _pump(self, reader, writer, way: Way, pair: Pair) -> None:
        """The end of one side ends the other, after what came before it."""
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(CHUNK):
                if pair in self._halves:
                    self.disturbed += len(data)
                    self._reset(pair)
                elif await self._hold(way, len(data)):
                    writer.write(data)
                    await writer.drain()
                    self.passed[way] += len(data)
        if pair not in self._halves:
            with suppress(OSError):
                writer.close()

    async def _hold(self, way: Way, size: int) -> bool:
        """Wait as told; False for what is swallowed."""
        if self._manner[way] is not Manner.PASS or self._delay:
            self.disturbed += size
        if self._delay:
            await asyncio.sleep(self._delay)
        while self._manner[way] is Manner.STALL:
            await asyncio.sleep(LOOK_SECONDS)
        return self._manner[way] is Manner.PASS

    async def _abort(self) -> None:
        for pair in self._open:
            self._reset(pair)
        self.cuts += len(self._open)

    def _reset(self, pair: Pair) -> None:
        for writer in pair:
            reset(writer)

    async def _reset_half(self, way: Way) -> None:
        self._halves |= self._open
        self.cuts += len(self._open)
        for client, server in self._open:
            reset(client if way is Way.OUT else server)

    async def _filter(self, option: int, value: int | bytes) -> None:
        """Whom a connection is made to is asked before it is: the listening socket counts too."""
        writers = [writer for pair in self._open for writer in pair]
        for each in (*self._server.sockets, *(w.get_extra_info("socket") for w in writers)):
            with suppress(OSError):  # It has none, or is closed.
                each.setsockopt(socket.SOL_SOCKET, option, value)

    async def _close(self) -> None:
        self._set(Manner.PASS, Way)
        self._server.close()
        await self._abort()
        pumps = asyncio.all_tasks() - {asyncio.current_task()}
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crash does: not to linger at all makes the kernel send a reset."""
    with suppress(OSError):
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
