"""Decompression of bodies whose header `compression` names an algorithm, as kombu sets it.

Guarantee: a decompressed body takes at most BODY_LIMIT bytes of memory, even if a few compressed
bytes would expand to more.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from events.envelope import BODY_LIMIT
from events.errors import PermanentError


class Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


# kombu's names for the algorithms.
KINDS: dict[str, Callable[[], Decompressor]] = {
    **dict.fromkeys(("application/x-gzip", "gzip", "zlib"), zlib.decompressobj),
    **dict.fromkeys(("application/x-bz2", "bzip2", "bzip"), bz2.BZ2Decompressor),
    **dict.fromkeys(
        ("application/x-lzma", "lzma", "xz"),
        lambda: lzma.LZMADecompressor(memlimit=64 * 1024 * 1024),
    ),
}


class CompressionError(PermanentError):
    """The body is not compressed as its header says, or expands to more than BODY_LIMIT."""


def expand(body: bytes, kind: object) -> bytes:
    """Return the decompressed body. `kind` is the header's value, or None if there is no such
    header. Raises CompressionError."""
    if kind is None:
        return body
    if not isinstance(kind, str) or kind not in KINDS:
        raise CompressionError(f"unknown compression {kind!r:.100}")
    expander = KINDS[kind]()
    try:
        expanded = expander.decompress(body, BODY_LIMIT + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise CompressionError(f"not {kind}: {error}") from error
    if len(expanded) > BODY_LIMIT:
        raise CompressionError(f"expands to more than {BODY_LIMIT:,} bytes")
    if not expander.eof:
        raise CompressionError(f"not {kind}: it ends too early")
    return expanded
