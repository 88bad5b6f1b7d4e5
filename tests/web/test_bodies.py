"""Bodies as clients frame them, on the web server that production runs."""

import json
import os
import socket
import time
import zlib
from collections.abc import Iterable
from contextlib import closing, suppress
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from connectify import bodies
from devtools.servers.proc import unique_bytes
from tests.flow.world import World

DRIBBLE_SECONDS = 9.0  # Below what counts as a stall.
CHUNKED = ("Transfer-Encoding: chunked",)
MEGABYTE = 1_000_000


class Answer:
    def __init__(self, connection: socket.socket):
        response = HTTPResponse(connection)
        response.begin()
        self.status, self.type = response.status, response.headers["Content-Type"]
        body = response.read()
        # What the server itself refuses never gets as far as the application.
        self.body = json.loads(body) if "json" in (self.type or "") else body


@pytest.fixture(scope="module")
def alice(origin, database_url):
    with closing(World(origin, database_url, os.environ["BROKER_URL"])) as world:
        return world.sign_up("alice")


@pytest.fixture
def send(origin, alice):
    """Send a request of the given head and bytes, and read the answer to it."""
    address = urlsplit(origin)

    def send(
        method: str, path: str, headers: Iterable[str], body: Iterable[bytes], half_close=False
    ) -> Answer:
        head = [
            f"{method} /api/v1/{path} HTTP/1.1",
            f"Host: {address.netloc}",
            f"Authorization: Bearer {alice.token}",
            "Content-Type: application/json",
            *headers,
        ]
        with closing(socket.create_connection((address.hostname, address.port), 30)) as connection:
            connection.sendall("\r\n".join([*head, "", ""]).encode())
            with suppress(ConnectionError):  # The server may have closed it with its answer.
                for part in body:
                    connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return Answer(connection)

    return send


def chunk(part: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(part), extension, part)


def draft(content: str) -> bytes:
    return json.dumps({"content": content}).encode()


def in_chunks(body: bytes, trailers: bytes = b"") -> list[bytes]:
    parts = [body[:5], body[5:9], body[9:]]
    return [*(chunk(part) for part in parts), b"0\r\n" + trailers + b"\r\n"]


FRAMED = {
    "a length": lambda body: ((f"Content-Length: {len(body)}",), [body]),
    "chunks": lambda body: (CHUNKED, in_chunks(body)),
    "chunks of a byte": lambda body: (
        CHUNKED,
        [*(chunk(body[at : at + 1]) for at in range(len(body))), b"0\r\n\r\n"],
    ),
    "chunks with extensions": lambda body: (CHUNKED, [chunk(body, b";a=b"), b"0\r\n\r\n"]),
    "chunks with trailers": lambda body: (
        ("Trailer: X-Sum", *CHUNKED),
        in_chunks(body, b"X-Sum: 5\r\n"),
    ),
    "chunks, asking first": lambda body: (("Expect: 100-continue", *CHUNKED), in_chunks(body)),
}


@pytest.mark.parametrize("framing", FRAMED)
def test_a_body_arrives_however_it_is_framed(framing, send):
    made = send("POST", "posts/", *FRAMED[framing](draft("Hello world!")))
    assert (made.status, made.body["content"]) == (201, "Hello world!")
    path = f"posts/{made.body['id']}/"
    changed = send("PATCH", path, *FRAMED[framing](draft("Hello, world!")))
    assert (changed.status, changed.body["content"]) == (200, "Hello, world!")


WHOLE = draft("Hello world!")
BROKEN = {
    "no length": ((), [WHOLE]),
    "length 0": (("Content-Length: 0",), []),
    "no chunk": (CHUNKED, [b"0\r\n\r\n"]),
    "an object of nothing": (CHUNKED, [chunk(b"{}"), b"0\r\n\r\n"]),
    "a length too small": (("Content-Length: 5",), [WHOLE]),
    # The bytes that came are JSON, but they are not what the client wanted to send.
    "a length too large": ((f"Content-Length: {len(WHOLE) + 9}",), [WHOLE]),
    "no last chunk": (CHUNKED, [chunk(WHOLE)]),
    "a chunk that breaks off": (CHUNKED, [b"fff\r\n" + WHOLE]),
    "a size that is none": (CHUNKED, [chunk(WHOLE), b"xyz\r\n\r\n"]),
    "a chunk without its end": (CHUNKED, [b"5\r\n" + WHOLE]),
    "a trailer that is none": (CHUNKED, [chunk(WHOLE), b"0\r\nno trailer\r\n\r\n"]),
    "both framings": ((*CHUNKED, f"Content-Length: {len(WHOLE)}"), in_chunks(WHOLE)),
    "chunked twice": (("Transfer-Encoding: chunked, chunked",), in_chunks(WHOLE)),
    "a coding that nobody knows": (("Transfer-Encoding: br, chunked",), in_chunks(WHOLE)),
    "a coding of the transfer": (
        ("Transfer-Encoding: gzip, chunked",),
        in_chunks(zlib.compress(WHOLE, wbits=31)),
    ),
}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("framing", BROKEN)
def test_what_is_not_understood_is_refused_and_changes_nothing(framing, method, send, world, alice):
    post = world.post(alice, "as it was")
    path = "posts/" if method == "POST" else f"posts/{post}/"
    headers, body = BROKEN[framing]
    # The client then waits for the answer and sends no more.
    answer = send(method, path, headers, body, half_close=True)
    assert answer.status in (400, 501)
    newest = "SELECT id, content FROM social_post WHERE author_id = %s ORDER BY id DESC LIMIT 1"
    assert world.sql(newest, alice.id) == [(post, "as it was")]


@pytest.mark.slow
@pytest.mark.parametrize("headers", [CHUNKED, ("Content-Length: 100",)])
def test_a_client_that_stalls_amid_a_body_is_given_up(headers, send):
    assert send("POST", "posts/", headers, [b"5\r\n{"]).status == 400


@pytest.mark.parametrize("path", ["push/preferences/", "posts/{post}/"])
def test_a_change_of_nothing_names_no_field(path, send, world, alice):
    post = world.post(alice)
    answer = send("PATCH", path.format(post=post), ("Content-Length: 2",), [b"{}"])
    assert answer.status == 400
    assert answer.type == "application/problem+json"
    assert answer.body["errors"][0]["code"] == "required"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
def test_a_compressed_body_is_refused_as_such(coding, send):
    body = zlib.compress(draft("Hello world!"), wbits=31)
    headers = (f"Content-Encoding: {coding}", f"Content-Length: {len(body)}")
    assert send("POST", "posts/", headers, [body]).status == 415


def test_a_body_may_say_that_it_is_not_compressed(send):
    headers = ("Content-Encoding: identity", *CHUNKED)
    assert send("POST", "posts/", headers, in_chunks(draft("Hello world!"))).status == 201


@pytest.mark.parametrize("size", [MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, 3 * MEGABYTE])
def test_the_limit_holds_for_chunks_as_for_a_length(size, send):
    body = draft("Hello world!").ljust(size)
    chunked = send("POST", "posts/", CHUNKED, [chunk(body), b"0\r\n\r\n"])
    plain = send("POST", "posts/", (f"Content-Length: {size}",), [body])
    assert chunked.status == plain.status == (201 if size <= MEGABYTE else 413)


def kept(pid: int) -> float:
    return sum(unique_bytes(pid)[1:])


def test_a_body_without_end_is_answered_before_its_end_and_not_kept(send, processes):
    """The client would go on for 4 GB; the server has to stop it."""
    sent = 0

    def endless() -> Iterable[bytes]:
        nonlocal sent
        part = chunk(b" " * MEGABYTE)
        for _ in range(4_000):
            sent += 1
            yield part

    before = kept(processes.pid("web"))
    try:
        status = send("POST", "posts/", CHUNKED, endless()).status
    except ConnectionError:
        status = 413  # It has gone without being read.
    assert status == 413
    assert sent < 100
    assert kept(processes.pid("web")) - before < 30 * MEGABYTE


@pytest.mark.slow  # It dribbles for longer than a body may take.
def test_a_body_that_dribbles_keeps_no_thread(send):
    def dribble():
        yield b"{"
        for _ in range(40):
            time.sleep(DRIBBLE_SECONDS / 3)
            yield b" "

    begun = time.monotonic()
    answer = send("POST", "posts/", ("Content-Length: 1000",), dribble())
    assert answer.status == 400
    assert time.monotonic() - begun < bodies.BODY_SECONDS + 20
