"""How a chosen answer is sent to the client, from a plain status to a broken connection."""

import asyncio
import socket
import struct
from collections.abc import Callable

from aiohttp import web

from devtools.push_service.answers import Answer

# Builds the transport's response from an answer's status, e.g. FCM's JSON errors.
Respond = Callable[[Answer], web.Response]


async def give(answer: Answer, request: web.Request, respond: Respond) -> web.Response:
    """Answer the request."""
    act = ACTS.get(answer.how, reply)
    return await act(answer, request, respond)


async def reply(answer: Answer, request: web.Request, respond: Respond) -> web.Response:
    return respond(answer)


async def slow(answer: Answer, request: web.Request, respond: Respond) -> web.Response:
    await asyncio.sleep(answer.seconds)
    return respond(answer)


async def hang(answer: Answer, request: web.Request, respond: Respond) -> web.Response:
    # It ends by cancellation, when the client disconnects or the service stops.
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


async def reset(answer: Answer, request: web.Request, respond: Respond) -> web.Response:
    if request.transport is not None:
        # SO_LINGER with 0 seconds makes the kernel send RST instead of FIN.
        linger = struct.pack("ii", 1, 0)
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.write(b"HTTP/1.1 201 Created\r\nContent-")
        request.transport.abort()
    return respond(answer)


async def garbage(answer: Answer, request: web.Request, respond: Respond) -> web.Response:
    if request.transport is not None:
        request.transport.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        request.transport.close()
    return respond(answer)


ACTS = {"slow": slow, "hang": hang, "reset": reset, "garbage": garbage}
