"""Reading the bodies of requests before Django does, because Django supports only Content-Length.

Guarantee: a body arrives complete, whether it is sent with a length or in chunks. Of a body above
the limit, only one byte more than the limit is read. A body that breaks off is shorter than its
CONTENT_LENGTH, by which social/api/parsers.py recognises it.
"""

import io
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A client that sends nothing for this long must not block a thread of the server any longer.
STALL_SECONDS = 10.0
# Limits the whole body, for clients that send a byte now and then.
BODY_SECONDS = 30.0
POLL_SECONDS = 1.0


class Deadlines:
    """Stops reading bodies that take longer than BODY_SECONDS, from one thread per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reading: dict[socket.socket, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def reading(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._reading[connection] = time.monotonic() + BODY_SECONDS
            if self._thread is None:  # Started with the first body, since that is after any fork.
                self._thread = threading.Thread(target=self._run, name="bodies", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._reading[connection]

    def _run(self) -> None:
        while True:
            time.sleep(POLL_SECONDS)
            with self._lock:
                for connection, end in self._reading.items():
                    if end < time.monotonic():
                        with suppress(OSError):
                            connection.shutdown(socket.SHUT_RD)  # As if the client had closed it.


deadlines = Deadlines()


class Bodies:
    """A WSGI application that wraps another."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        # `wsgi.input_terminated` means that the server ends the stream after the last chunk.
        if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
            most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
            body = _read(environ, most)
            environ["CONTENT_LENGTH"] = "1" if body is None else str(len(body))
        elif length := int(environ.get("CONTENT_LENGTH") or 0):
            body = _read(environ, min(length, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
        else:
            return self._application(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(body or b"")
        return self._application(environ, start_response)


def _read(environ: "WSGIEnvironment", size: int) -> bytes | None:
    """Return at most `size` bytes of the body. Return None or too few bytes if the client stalls,
    disconnects, takes too long or sends malformed chunks; the server then closes the connection."""
    connection = environ.get("gunicorn.socket")
    if connection is None:
        return bytes(environ["wsgi.input"].read(size))
    connection.settimeout(STALL_SECONDS)
    try:
        with deadlines.reading(connection):
            return bytes(environ["wsgi.input"].read(size))
    except Exception:
        # The server has its own exception class for each mistake of a client.
        return None
    finally:
        connection.settimeout(None)
