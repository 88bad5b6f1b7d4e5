"""Messages that a stranger may send to any queue, and that break a reader who trusts them.

Each contains a number or an id, because equal letters without an id count as one.
"""

import struct
import zlib
from collections.abc import Iterator
from functools import cache

from devtools.faults.raw_amqp import Raw, Typed

# A frame has 131,072 bytes, and all headers must fit into one frame.
FRAME_OF_HEADERS = 130_850
LEVELS = 2_000
BOMB = 1_000_000_000
LARGEST = 15_000_000
# A timestamp of November 2025 in milliseconds. Read as seconds it is in the year 57741.
MILLISECONDS = 1_764_288_000_000


def small(queue: str, number: int) -> Iterator[Raw]:
    """One message of each kind that is small and cheap to send."""
    unique = b"%d" % number
    gzip = Typed("S", b"gzip")
    death = {b"queue": Typed("A", []), b"reason": Typed("V"), b"count": Typed("S", unique)}
    for body, properties in (
        (b"", {"message_id": b"empty-" + unique}),
        (b"not compressed " + unique, {"headers": {b"compression": gzip}}),
        (b"no UTF-8 " + unique, {"message_id": b"\xff\xfe" + unique}),
        (b"no UTF-8 either " + unique, {"content_type": b"\xed\xa0\x80", "type": b"\xff"}),
        (b"codec " + unique, {"content_encoding": b"idna"}),
        (b"milliseconds " + unique, {"timestamp": MILLISECONDS}),
        (b"in a header " + unique, {"headers": {b"when": Typed("T", MILLISECONDS)}}),
        (b"odd death " + unique, {"headers": {b"x-death": Typed("A", [Typed("F", death)])}}),
        (b"no deaths " + unique, {"headers": {b"x-death": Typed("S", b"many")}}),
        (b"count " + unique, {"headers": {b"x-delivery-count": Typed("S", b"many")}}),
        (unique, {"headers": {b"task": Typed("S", b"timelines.write_slices")}}),
        (b"[[], {}, %d]" % number, {"headers": task(b"\xff", unique)}),
        (b"[[], {}, 5, %d]" % number, {"headers": task(b"timelines.write_slices", unique)}),
        (b"\x80\x04K\x05. " + unique, {"content_type": b"application/x-python-serialize"}),
    ):
        yield Raw(queue, body, {"delivery_mode": 2, **properties})


def large(queue: str, number: int) -> Iterator[Raw]:
    """Messages that are dangerous because of their size."""
    unique = b"%d" % number
    for body, properties in (
        (b"a frame of headers " + unique, {"headers": {b"x": Typed("S", b"y" * FRAME_OF_HEADERS)}}),
        (b"tables in tables " + unique, {"headers": {b"x": tables()}}),
        (bomb() + unique, {"headers": {b"compression": Typed("S", b"gzip")}}),
        (unique.rjust(LARGEST), {}),
    ):
        yield Raw(queue, body, {"delivery_mode": 2, **properties})


def task(name: bytes, task_id: bytes) -> dict[bytes, Typed]:
    return {b"task": Typed("S", name), b"id": Typed("S", b"hostile-" + task_id)}


@cache
def tables() -> Typed:
    """Nested tables."""
    content = b""
    for _ in range(LEVELS):
        content = b"\0F" + struct.pack(">I", len(content)) + content
    return Typed("F", content)


@cache
def bomb() -> bytes:
    """A megabyte that expands to a gigabyte."""
    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    packed = b"".join(packer.compress(block) for _ in range(BOMB // len(block)))
    return packed + packer.flush()
