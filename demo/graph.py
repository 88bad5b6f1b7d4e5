"""Follower graphs: who follows whom, read from a file or drawn at random.

A graph holds each follow once and nobody who follows themselves, whatever the source.
"""

import gzip
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from itertools import accumulate
from pathlib import Path
from random import Random

ID_LIMIT = 2**63
GZIP_MAGIC = b"\x1f\x8b"
NOBODY: array = array("q")

# The user at rank r (from 0) has 30 % of all users times 19 / (r + 19) followers: Zipf's law
# with Mandelbrot's offset. 4,000 users give 1,200 followers at the top and 30 on average.
# Whole numbers only, because pow() may differ in its last digit between platforms.
TOP_SHARE = (3, 10)
RANK_OFFSET = 19


class GraphError(Exception):
    """A follow graph cannot be used; the message is one line that says where and why."""


@dataclass(frozen=True)
class Graph:
    """Users (sorted ids), and of each user with followers the sorted ids of these followers.

    Ids are kept in arrays of 64-bit integers: 800,000 follows take 6.5 MB, not 30.
    """

    users: array
    followers: dict[int, array]
    follow_count: int

    @classmethod
    def from_edges(cls, edges: Iterable[tuple[int, int]]) -> "Graph":
        """Build from (follower, followee) pairs; a repeated pair counts once."""
        drafts: dict[int, array] = {}
        users = set()
        for follower, followee in edges:
            draft = drafts.get(followee)
            if draft is None:
                draft = drafts[followee] = array("q")
            draft.append(follower)
            users.add(follower)
        followers = {user: array("q", sorted(set(drafts[user]))) for user in sorted(drafts)}
        users.update(followers)
        return cls(array("q", sorted(users)), followers, sum(map(len, followers.values())))

    @property
    def user_count(self) -> int:
        return len(self.users)

    def followers_of(self, user: int) -> array:
        """Sorted ids of the followers; empty for a user whom nobody follows."""
        return self.followers.get(user, NOBODY)

    def most_followed(self) -> int:
        """The user with the most followers; of equals, the one with the lowest id."""
        return max(self.followers, key=lambda user: (len(self.followers[user]), -user))

    def edges(self) -> Iterator[tuple[int, int]]:
        """(follower, followee) pairs, ordered by followee, then follower."""
        for followee, followers in self.followers.items():
            for follower in followers:
                yield follower, followee


def read_graph(path: str | Path) -> Graph:
    """Read `follower followee` lines, gzip or plain, with `#` comments and blank lines.

    Raises GraphError with file name and line number at the first line that is not as promised.
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
    """The file's lines as bytes, through gzip where the file begins as gzip does."""
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
    """One line's (follower, followee), or None for a comment or a blank line."""
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
    # int() alone would let '1_000', '+1' and digits of other scripts through, and it refuses
    # thousands of digits with a message of its own.
    shown = repr(field[:40].decode(errors="replace"))
    if not field.removeprefix(b"-").isdigit():
        raise ValueError(f"{shown} is not an integer")
    if field.startswith(b"-"):
        raise ValueError(f"user {shown} is negative")
    if len(field) > 40 or int(field) >= ID_LIMIT:
        raise ValueError(f"user {shown} is too large, the limit is 2**63 - 1")
    return int(field)


def generate_graph(users: int = 4000, seed: int = 1) -> Graph:
    """Draw a heavy-tailed graph of users 1..users; the same for a seed on every platform.

    Each user has at least one follower. Raises ValueError for fewer than two users.
    """
    if users < 2:
        raise ValueError("a follow needs two users")
    # Of the generator's methods only random() is promised to stay the same between versions.
    draw = Random(seed).random
    ranking = list(range(1, users + 1))
    for last in range(users - 1, 0, -1):
        other = int(draw() * (last + 1))
        ranking[last], ranking[other] = ranking[other], ranking[last]
    return Graph.from_edges(draw_edges(ranking, draw))


def draw_edges(ranking: list[int], draw: Callable[[], float]) -> Iterator[tuple[int, int]]:
    users = len(ranking)
    share, whole = TOP_SHARE
    for rank, followee in enumerate(ranking):
        wanted = max(1, users * share * RANK_OFFSET // (whole * (rank + RANK_OFFSET)))
        chosen: set[int] = set()
        while len(chosen) < wanted:
            follower = int(draw() * users) + 1
            if follower != followee:
                chosen.add(follower)
        for follower in chosen:
            yield follower, followee


def draw_authors(graph: Graph, posts: int, rng: Random) -> list[int]:
    """Draw one author for each post, as likely as they have followers.

    Users without followers never write; the most-followed one does at least once.
    """
    if posts < 1:
        return []
    weights = accumulate(map(len, graph.followers.values()))
    authors = rng.choices(list(graph.followers), cum_weights=list(weights), k=posts)
    if graph.most_followed() not in authors:
        authors[rng.randrange(posts)] = graph.most_followed()
    return authors
