"""The bodies of requests, read before Django sees them, which heeds Content-Length alone.

Guarantee: a body arrives however it is framed, with a length or in chunks. Of one that is larger
than the limit a byte more than the limit is read. One that breaks off is shorter than its
CONTENT_LENGTH then says, by which social/api/parsers.py knows it.
"""

import io
from collections.abc import Callable, Iterable

from django.conf import settings

# A client that sends nothing for so long has a thread of the server for nothing.
STALL_SECONDS = 10.0


class Bodies:
    """A WSGI application around another."""

    def __init__(self, application: Callable) -> None:
        self._application = application

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        # Only a server that says so ends the stream where the last chunk ends.
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


def _read(environ: dict, size: int) -> bytes | None:
    """At most `size` bytes; None where the client stalls, goes away or sends what are no chunks.
    The server closes the connection after that."""
    connection = environ.get("gunicorn.socket")
    if connection:
        connection.settimeout(STALL_SECONDS)
    try:
        return environ["wsgi.input"].read(size)
    except Exception:
        # The server has exceptions of its own for each mistake.
        return None
    finally:
        if connection:
            connection.settimeout(None)
