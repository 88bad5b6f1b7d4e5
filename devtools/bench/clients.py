"""HTTP clients that each send one request after the other on a connection of their own, as fast as
the server answers. Requests are encoded only once, because the clients share the cores with the
server."""

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import cycle
from urllib.parse import urlsplit


class RefusedError(Exception):
    """The server's answer was not 2xx."""


def written(host: str, token: str, method: str, path: str, body: dict | None) -> bytes:
    """The bytes of a request."""
    data = json.dumps(body).encode() if body else b""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def load(origin: str, scripts: Sequence[Sequence[bytes]], seconds: float) -> list[float]:
    """Run one client per script, which sends the script's requests over and over, and return how
    many seconds each answer took. Raises RefusedError."""
    return asyncio.run(_load(urlsplit(origin), scripts, seconds))


async def _load(address, scripts, seconds: float) -> list[float]:
    end = time.monotonic() + seconds
    clients = (_client(address, script, end) for script in scripts)
    return [latency for found in await asyncio.gather(*clients) for latency in found]


async def _client(address, script: Sequence[bytes], end: float) -> list[float]:
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    latencies = []
    for request in cycle(script):
        asked = time.monotonic()
        if asked > end:
            break
        writer.write(request)
        closing = await _answer(reader)
        latencies.append(time.monotonic() - asked)
        if closing:
            writer.close()
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()
    return latencies


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Read one answer to its end; return True if the server then closes the connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length or 0))
    if head.split(b" ", 2)[1][:1] != b"2":
        raise RefusedError((head + body).decode(errors="replace"))
    return b"connection: close" in head
