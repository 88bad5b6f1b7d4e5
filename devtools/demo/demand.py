"""What a run demands: who must get a push, and in whose timelines a post must stand at the end.

From the graph and the mixture alone, never from our own tables; posts are numbered from 0.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from devtools.demo.plan import Plan


@dataclass(frozen=True)
class Demand:
    """Where `senders_die`, a push may come again, and is counted once."""

    plan: Plan
    senders_die: bool = False

    def owners(self, post: int) -> Sequence[int]:
        """Who must have a row of the post when all is at rest: who follows the author then, less
        those who have stayed away; nobody where it is deleted."""
        return () if post in self._deleted else self._owners[self.plan.authors[post]]

    def steady(self, post: int) -> Sequence[int]:
        """Of the owners, those who follow and are awake from beginning to end: they get the row as
        soon as the post is written. Sorted."""
        return () if post in self._deleted else self._steady[self.plan.authors[post]]

    def notified(self, post: int) -> list[int]:
        """Sorted ids of those whose device must show the post."""
        followers = self.plan.graph.followers_of(self.plan.authors[post])
        return [user for user in followers if user in self.plan.device_owners]

    def timeline(self, reader: int) -> list[int]:
        """The posts that a reader must see, by number, whether or not there are rows of them."""
        followed = {author for author, them in self._followers.items() if reader in them}
        authors = enumerate(self.plan.authors)
        return [n for n, author in authors if author in followed and n not in self._deleted]

    def rows(self, numbers: Mapping[int, int], ids: Mapping[int, int]) -> dict[int, list[int]]:
        """The owners of each post in our ids: of posts (number by id) and users (by graph id)."""
        return {post: [ids[user] for user in self.owners(n)] for post, n in numbers.items()}

    def written(self, numbers: Collection[int]) -> tuple[int, int]:
        """How many rows fan-outs write for these posts, at least and at most. What follows are
        filled in with is not among them, what is removed later is."""
        authors = self.plan.authors
        least = sum(len(self.steady(number)) for number in numbers)
        return least, sum(self._most[authors[number]] for number in numbers)

    def pushes(self, numbers: Iterable[int]) -> int:
        return sum(self._notified[number] for number in numbers)

    def sent(self, numbers: Collection[int]) -> tuple[int, int]:
        """How many pushes are on record as sent, at least and at most: all of them. But where a
        sender died between a push and its record, and the post is deleted before the next try,
        nobody knows any more that it was sent."""
        unsure = self._deleted if self.senders_die else set()
        return self.pushes(n for n in numbers if n not in unsure), self.pushes(numbers)

    @cached_property
    def _notified(self) -> list[int]:
        return [len(self.notified(post)) for post in range(self.plan.posts)]

    @cached_property
    def _deleted(self) -> Set[int]:
        return {act.post for act in self.plan.mixture.deletions}

    @cached_property
    def _followers(self) -> dict[int, set[int]]:
        """By author, who follows them at the end."""
        graph, mixture = self.plan.graph, self.plan.mixture
        found = {author: set(graph.followers_of(author)) for author in set(self.plan.authors)}
        for act in mixture.unfollows:
            found[act.author].discard(act.follower)
        for act in mixture.follows:
            found[act.author].add(act.follower)
        return found

    @cached_property
    def _owners(self) -> dict[int, list[int]]:
        absent = self.plan.mixture.absent
        return {author: sorted(them - absent) for author, them in self._followers.items()}

    @cached_property
    def _steady(self) -> dict[int, list[int]]:
        graph, mixture = self.plan.graph, self.plan.mixture
        return {
            author: sorted(them.intersection(graph.followers_of(author)) - mixture.dormant)
            for author, them in self._followers.items()
        }

    @cached_property
    def _most(self) -> dict[int, int]:
        """By author, how many follow them and are awake at any time."""
        graph, absent = self.plan.graph, self.plan.mixture.absent
        return {
            author: len(them.union(graph.followers_of(author)) - absent)
            for author, them in self._followers.items()
        }
