"""Follower graphs: who follows whom.

A graph holds each follow once, and nobody follows themselves, whatever its source contains.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

NOBODY: array = array("q")


class GraphError(Exception):
    """The graph cannot be used; the message is one line that says where and why."""


@dataclass(frozen=True)
class Graph:
    """Sorted user ids, and sorted follower ids for each user who has followers.

    Ids are kept in arrays of 64-bit integers: 800,000 follows take 6.5 MB instead of 30.
    """

    users: array
    followers: dict[int, array]
    follow_count: int

    @classmethod
    def from_edges(cls, edges: Iterable[tuple[int, int]], users: Iterable[int] = ()) -> "Graph":
        """Build from (follower, followee) pairs; a repeated pair counts once. `users` are included
        even if they follow nobody."""
        drafts: dict[int, array] = {}
        everyone = set(users)
        for follower, followee in edges:
            draft = drafts.get(followee)
            if draft is None:
                draft = drafts[followee] = array("q")
            draft.append(follower)
            everyone.add(follower)
        followers = {user: array("q", sorted(set(drafts[user]))) for user in sorted(drafts)}
        everyone.update(followers)
        return cls(array("q", sorted(everyone)), followers, sum(map(len, followers.values())))

    @property
    def user_count(self) -> int:
        return len(self.users)

    @cached_property
    def authors(self) -> list[int]:
        """Users who have followers, the most followed first, and the lowest id first among
        equals."""
        return sorted(self.followers, key=lambda user: (-len(self.followers[user]), user))

    def followers_of(self, user: int) -> array:
        """Sorted ids of the followers; empty for a user without followers."""
        return self.followers.get(user, NOBODY)

    def follows(self, follower: int, followee: int) -> bool:
        followers = self.followers_of(followee)
        place = bisect_left(followers, follower)
        return place < len(followers) and followers[place] == follower

    def most_followed(self) -> int:
        return self.authors[0]

    def edges(self) -> Iterator[tuple[int, int]]:
        """(follower, followee) pairs, ordered by followee, then follower."""
        for followee, followers in self.followers.items():
            for follower in followers:
                yield follower, followee
