"""A TCP proxy that cuts, stalls, swallows or delays traffic, in a separate thread.

A stall behaves like a lossy network: TCP retransmits, and everything arrives later. Swallowed bytes
never arrive, so such connections are cut when the proxy is healed. In both cases the kernel still
acknowledges packets; in a blackhole it does not, as if the cable were cut.
"""

import asyncio
import ctypes
import socket
import struct
import threading
from contextlib import suppress
from enum import Enum

READ_BYTES = 65_536
POLL_SECONDS = 0.02
# A socket filter of one instruction (Linux; see Documentation/networking/filter.rst): return 0,
# which drops every packet before TCP sees it.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
DROP = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
DROP_ALL = struct.pack("HP", 1, ctypes.addressof(DROP))


class Way(Enum):
    """A direction, from the client's point of view."""

    OUT = "client to server"
    BACK = "server to client"


class Manner(Enum):
    PASS = "pass"
    STALL = "stall"
    SWALLOW = "swallow"


class Proxy:
    """Listens on `port` of 127.0.0.1 and forwards to the port `target` of the same address.

    `passed` counts bytes by direction, `disturbed` the bytes that a fault affected, and `cuts` the
    connections that were cut.
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
        self._filtered = self._abandoned = False
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: dict[asyncio.StreamWriter, list[asyncio.Task]] = {}
        self._far: dict[asyncio.StreamWriter, asyncio.StreamWriter] = {}
        self._cut_behind_it: set[asyncio.StreamWriter] = set()
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

    def stall(self, *ways: Way) -> None:
        """Hold all traffic until heal(). New connections are accepted and get no answer."""
        self._set(Manner.STALL, ways)

    def swallow(self, *ways: Way) -> None:
        self._set(Manner.SWALLOW, ways)

    def delay(self, seconds: float) -> None:
        self._delay = seconds

    def refuse(self) -> None:
        """Reset all connections, and every new one until heal()."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        """Reset all connections."""
        self._call(self._abort())

    @property
    def connections(self) -> int:
        return len(self._pumps)

    def half_cut(self) -> None:
        """Reset the client's side of all connections. The server's side stays open and silent until
        heal()."""
        self._call(self._abandon())

    def cut_behind(self) -> None:
        """Reset the server's side of all connections. A client notices when it next sends
        something, as with a server that was restarted."""
        self._call(self._cut_behind())

    def blackhole(self) -> None:
        """Answer nothing until heal(), not even from the kernel: packets to this proxy are not
        acknowledged, and no connection is accepted. Linux only."""
        self._call(self._filter(True))

    def heal(self) -> None:
        swallowed = Manner.SWALLOW in self._manner.values()
        self._set(Manner.PASS, Way)
        self._delay = 0.0
        self._refusing = False
        if self._filtered:
            self._call(self._filter(False))
        if swallowed or self._abandoned:
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
        self._open |= {writer, far_writer}
        self._far[writer] = far_writer
        self._pumps[writer] = tasks = [
            asyncio.create_task(self._pump(reader, far_writer, Way.OUT, writer)),
            asyncio.create_task(self._pump(far_reader, writer, Way.BACK, writer)),
        ]
        await asyncio.wait(tasks)
        del self._pumps[writer], self._far[writer]
        self._cut_behind_it.discard(writer)
        self._open.discard(writer)
        if tasks[0].cancelled():
            self._abandoned = True
        else:
            self._open.discard(far_writer)

    async def _pump(self, reader, writer, way: Way, client: asyncio.StreamWriter) -> None:
        """Copy until one side ends, and then end the other side after its last bytes. After
        cut_behind(), data from the client ends the client's side."""
        with suppress(OSError):
            while (data := await reader.read(READ_BYTES)) and client not in self._cut_behind_it:
                if await self._hold(way, len(data)):
                    writer.write(data)
                    await writer.drain()
                    self.passed[way] += len(data)
        if client not in self._cut_behind_it:
            with suppress(OSError):
                writer.close()
        elif way is Way.OUT:
            reset(client)

    async def _hold(self, way: Way, size: int) -> bool:
        """Wait while this direction is stalled; return False if the bytes are to be swallowed."""
        if self._manner[way] is not Manner.PASS or self._delay:
            self.disturbed += size
        if self._delay:
            await asyncio.sleep(self._delay)
        while self._manner[way] is Manner.STALL:
            await asyncio.sleep(POLL_SECONDS)
        return self._manner[way] is Manner.PASS

    async def _abort(self) -> None:
        for writer in self._open:
            reset(writer)
        self.cuts += len(self._open) // 2
        self._abandoned = False

    async def _abandon(self) -> None:
        for writer, tasks in list(self._pumps.items()):
            for task in tasks:
                task.cancel()
            reset(writer)
            self.cuts += 1

    async def _cut_behind(self) -> None:
        self._cut_behind_it |= self._far.keys()
        self.cuts += len(self._far)
        for server in self._far.values():
            reset(server)

    async def _filter(self, on: bool) -> None:
        self._filtered = on
        writers = [writer.get_extra_info("socket") for writer in self._open]
        for each in (*self._server.sockets, *writers):
            if each.fileno() < 0:
                continue
            if on:
                each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, DROP_ALL)
            else:
                with suppress(OSError):  # It was connected after the filter was set and has none.
                    each.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

    async def _close(self) -> None:
        self._set(Manner.PASS, Way)
        self._server.close()
        await self._abort()
        for pump in [each for pumps in self._pumps.values() for each in pumps]:
            pump.cancel()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crash does: without lingering, the kernel sends a reset."""
    with suppress(OSError):
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
