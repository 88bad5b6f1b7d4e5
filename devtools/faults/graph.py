"""Who follows whom during a run: few authors, many users, a heavy-tailed number of followers."""

from dataclasses import dataclass
from random import Random

USERS = 600
AUTHORS = 60
# The author at rank r (from 0) has half of all users times 10 / (r + 10) followers: 300 at the top.
RANK_OFFSET = 10


@dataclass(frozen=True)
class Graph:
    """Users are numbered from 0; the first AUTHORS of them write. `follows` are (follower,
    followee) and `mutes` (muter, muted) pairs; whoever mutes follows as well."""

    users: int
    authors: int
    follows: frozenset[tuple[int, int]]
    mutes: frozenset[tuple[int, int]]


def draw(random: Random, users: int = USERS, authors: int = AUTHORS) -> Graph:
    follows = {
        (follower, author)
        for author in range(authors)
        for follower in random.sample(range(users), _wanted(author, users))
        if follower != author
    }
    mutes = random.sample(sorted(follows), len(follows) // 100)
    return Graph(users, authors, frozenset(follows), frozenset(mutes))


def _wanted(rank: int, users: int) -> int:
    return max(3, users * RANK_OFFSET // (2 * (rank + RANK_OFFSET)))
