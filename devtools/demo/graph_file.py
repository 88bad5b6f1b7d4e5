"""Reads follower graphs from a file and checks every line."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from devtools.lab.graph import Graph, GraphError

ID_LIMIT = 2**63
GZIP_MAGIC = b"\x1f\x8b"


def read_graph(path: str | Path) -> Graph:
    """Read `follower followee` lines, gzip or plain, with `#` comments and blank lines.

    Raises GraphError with file name and line number at the first malformed line.
    """
    name = Path(path).name
    try:
        with open(path, "rb") as file, unpacked(file) as lines:
            graph = Graph.from_edges(parse_edges(lines, name))
    except OSError as error:
        raise GraphError(f"{name}: cannot be read: {error.strerror or error}") from error
    if not graph.follow_count:
        raise GraphError(f"{name}: has no follows")
    return graph


@contextmanager
def unpacked(file: BufferedReader) -> Iterator[Iterable[bytes]]:
    """The file's lines as bytes, decompressed if the file begins like gzip."""
    if file.peek(2)[:2] != GZIP_MAGIC:
        yield file
        return
    with gzip.open(file) as lines:
        yield lines


def parse_edges(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, int]]:
    read = 0
    try:
        for line in lines:
            read += 1
            if edge := parse_edge(line):
                yield edge
    except UnicodeDecodeError as error:
        raise GraphError(f"{name}, line {read}: is not UTF-8") from error
    except ValueError as error:
        raise GraphError(f"{name}, line {read}: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise GraphError(f"{name}, line {read + 1}: gzip ends early or is corrupt") from error


def parse_edge(line: bytes) -> tuple[int, int] | None:
    """The (follower, followee) of a line, or None for a comment or a blank line."""
    line.decode()
    fields = line.split()
    if not fields or fields[0].startswith(b"#"):
        return None
    if len(fields) != 2:
        raise ValueError(f"expected 'follower followee', found {len(fields)} fields")
    follower, followee = parse_user(fields[0]), parse_user(fields[1])
    if follower == followee:
        raise ValueError(f"user {follower} follows themselves")
    return follower, followee


def parse_user(field: bytes) -> int:
    # int() alone would accept '1_000', '+1' and digits of other scripts, and has its own message
    # for thousands of digits.
    shown = repr(field[:40].decode(errors="replace"))
    if not field.removeprefix(b"-").isdigit():
        raise ValueError(f"{shown} is not an integer")
    if field.startswith(b"-"):
        raise ValueError(f"user {shown} is negative")
    if len(field) > 40 or int(field) >= ID_LIMIT:
        raise ValueError(f"user {shown} is too large, the limit is 2**63 - 1")
    return int(field)
