"""What a run demands: which users must get a push, and whose timelines must hold a post at the end.

It is computed from the graph and the mixture alone, never from our own tables. Posts are numbered
from 0.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from devtools.demo.plan import Plan


@dataclass(frozen=True)
class Demand:
    """If `senders_die`, a push may come twice and is counted once."""

    plan: Plan
    senders_die: bool = False

    def owners(self, post: int) -> Sequence[int]:
        """The users who must have a row of the post in the end: the author's followers at that
        time, without dormant ones. A deleted post has none."""
        return () if post in self._deleted else self._owners[self.plan.authors[post]]

    def steady(self, post: int) -> Sequence[int]:
        """The owners, sorted, who follow the author and are awake during the whole run: they get
        the row as soon as the post is written."""
        return () if post in self._deleted else self._steady[self.plan.authors[post]]

    def notified(self, post: int) -> list[int]:
        """Sorted ids of the users whose devices must show the post."""
        followers = self.plan.graph.followers_of(self.plan.authors[post])
        return [user for user in followers if user in self.plan.device_owners]

    def timeline(self, reader: int) -> list[int]:
        """The numbers of the posts that a reader must see, whether or not they have rows."""
        followed = {author for author, them in self._followers.items() if reader in them}
        authors = enumerate(self.plan.authors)
        return [n for n, author in authors if author in followed and n not in self._deleted]

    def rows(self, numbers: Mapping[int, int], ids: Mapping[int, int]) -> dict[int, list[int]]:
        """The owners of each post, by our ids. `numbers` has the posts' numbers by id, `ids` the
        users' ids by graph id."""
        return {post: [ids[user] for user in self.owners(n)] for post, n in numbers.items()}

    def written(self, numbers: Collection[int]) -> tuple[int, int]:
        """The least and greatest number of rows that fan-outs write for these posts. Back-filled
        rows do not count; rows that are removed later do."""
        authors = self.plan.authors
        least = sum(len(self.steady(number)) for number in numbers)
        return least, sum(self._most[authors[number]] for number in numbers)

    def pushes(self, numbers: Iterable[int]) -> int:
        return sum(self._notified[number] for number in numbers)

    def sent(self, numbers: Collection[int]) -> tuple[int, int]:
        """The least and greatest number of pushes on record as sent. All of them should be on
        record, except in one case: a sender dies between a push and its record, and the post is
        deleted before the retry."""
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
        """The followers at the end, by author."""
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
        """How many users follow the author and are awake at any time in the run, by author."""
        graph, absent = self.plan.graph, self.plan.mixture.absent
        return {
            author: len(them.union(graph.followers_of(author)) - absent)
            for author, them in self._followers.items()
        }
