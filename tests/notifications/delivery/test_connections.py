"""The HTTP client of pushes, against a peer that sends exactly the given bytes."""

import asyncio
import contextlib

import pytest

from notifications.delivery.addresses import AddressError
from notifications.delivery.connections import ANSWER_LIMIT, BODY_SECONDS, AnswerError, Connections

CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


class Peer:
    """Answers each request with the next of `answers`, and then always with the last one. None
    closes the connection. `requests` are the requests that it read, one list per connection."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests: list[list[bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        self.requests.append(mine)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                mine.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()


def run(peer: Peer, *, times: int = 1, path: str = "/push/x", host: str = "127.0.0.1") -> list:
    """Send `times` requests one after the other. Returns each reply or error."""

    async def ask() -> list:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connections, found = Connections(), []
        for _ in range(times):
            post = connections.post(f"http://{host}:{port}{path}", {"TTL": "5"}, b"body")
            try:
                async with asyncio.timeout(5):
                    found.append(await post)
            except (OSError, TimeoutError) as error:
                found.append(error)
            await asyncio.sleep(0.05)
        connections.close()
        server.close()
        await asyncio.sleep(0.05)  # Let the peer notice that.
        return found

    return asyncio.run(ask())


def test_a_request_has_the_expected_lines():
    peer = Peer(CREATED)
    (reply,) = run(peer, path="/push/x?token=a%2F#fragment")
    assert reply.status == 201
    ((request,),) = peer.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, host, *others = head.split(b"\r\n")
    assert first == b"POST /push/x?token=a%2F HTTP/1.1"
    assert host.startswith(b"Host: 127.0.0.1:")
    assert (others, body) == ([b"TTL: 5", b"Content-Length: 4"], b"body")


@pytest.mark.parametrize(
    "answer",
    [
        CREATED,
        b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + CREATED,
    ],
)
def test_a_connection_with_a_complete_response_is_reused(answer):
    peer = Peer(answer)
    assert [reply.status // 100 for reply in run(peer, times=3)] == [2, 2, 2]
    assert [len(requests) for requests in peer.requests] == [3]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 201 Created\r\nContent-Length: 0\r\n\r\n",
        # A surplus response would be taken for that of the next request.
        CREATED + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
        # The body is incomplete, but the status is known.
        b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhel",
        b"HTTP/1.1 201 Created\r\nContent-Length: 900000\r\n\r\n" + 50_000 * b"x",
    ],
)
def test_a_connection_with_an_incomplete_or_closing_response_is_not_reused(answer):
    peer = Peer(answer)
    assert [reply.status for reply in run(peer, times=2)] == [201, 201]
    assert [len(requests) for requests in peer.requests] == [1, 1]


def test_a_late_response_is_not_taken_for_that_of_another_request():
    async def ask() -> int:
        peer = Peer(CREATED)

        async def slow(reader, writer):
            await reader.readuntil(b"body")
            await asyncio.sleep(0.3)
            writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
            await peer.serve(reader, writer)

        server = await asyncio.start_server(slow, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        connections = Connections()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connections.post(url, {}, b"body")
        server.close()
        await asyncio.sleep(0.5)  # By then the late response has come.
        return len(connections)

    assert asyncio.run(ask()) == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"\x16\x03\x01 this is no HTTP\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nX: " + 2 * ANSWER_LIMIT * b"x" + b"\r\n\r\n",
    ],
)
def test_an_invalid_response_is_an_error(answer):
    (error,) = run(Peer(answer))
    assert isinstance(error, AnswerError)


def test_a_connection_that_is_closed_without_an_answer_is_an_error():
    assert [type(error) for error in run(Peer(None), times=2)] == [ConnectionResetError] * 2


def test_a_connection_that_the_peer_closed_is_not_reused():
    peer = Peer(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    serve = peer.serve

    async def once(reader, writer):
        asyncio.get_running_loop().call_later(0.02, writer.close)
        await serve(reader, writer)

    peer.serve = once
    assert [reply.status for reply in run(peer, times=3)] == [201] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0.0.0.0"])
def test_a_private_address_is_refused_in_any_notation(settings, host):
    settings.PUSH_ALLOW_LOOPBACK = False
    peer = Peer(CREATED)
    (error,) = run(peer, host=host)
    errors = getattr(error, "exceptions", [error])
    assert all(isinstance(each, (AddressError, OSError)) for each in errors)
    assert peer.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhel",
        b"HTTP/1.1 201 Created\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_the_connection_of_an_endless_response_is_closed(answer):
    async def ask() -> tuple[int, int]:
        server = await asyncio.start_server(Peer(answer).serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        connections = Connections()
        for _ in range(3):
            assert (await connections.post(url, {}, b"body")).status == 201
        open_then = len(connections)
        await asyncio.sleep(BODY_SECONDS + 0.5)
        server.close()
        return open_then, len(connections)

    assert asyncio.run(ask()) == (3, 0)


def test_an_origin_without_connections_leaves_no_entry():
    async def ask() -> list:
        kept = []
        server = await asyncio.start_server(Peer(CREATED).serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        connections = Connections()
        await connections.post(url, {}, b"body")
        kept.append(len(connections._idle))
        connections.close()
        server.close()
        await asyncio.sleep(0.05)
        return [*kept, len(connections._idle)]

    assert asyncio.run(ask()) == [1, 0]
