"""What a run demands: who posts, who has push, who reads, and what each of them must then see.

All of it comes from the follower graph alone, in the graph's own ids; posts are numbered from 0.
"""

from array import array
from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from random import Random

from demo.graph import Graph
from demo.random_graph import draw_authors

PUSH_AUTHORS = 20
READERS = 3
# Fixed, so that two runs can be compared.
SEED = 1


@dataclass(frozen=True)
class Scenario:
    """`authors[n]` writes post n; every follower of the `push_authors` has a device."""

    graph: Graph
    authors: list[int]
    push_authors: list[int]
    readers: list[int]

    @classmethod
    def draw(cls, graph: Graph, posts: int, seed: int = SEED) -> "Scenario":
        """Draw authors by their number of followers, of them up to 20 push authors, and three of
        the followers as readers."""
        rng = Random(seed)
        authors = draw_authors(graph, posts, rng)
        distinct = sorted(set(authors))
        chosen = rng.sample(distinct, min(PUSH_AUTHORS, len(distinct)))
        audience = sorted(set().union(*map(graph.followers_of, set(authors))))
        readers = rng.sample(audience, min(READERS, len(audience)))
        return cls(graph, authors, sorted(chosen), readers)

    @property
    def posts(self) -> int:
        return len(self.authors)

    @cached_property
    def device_owners(self) -> Set[int]:
        return frozenset().union(*map(self.graph.followers_of, self.push_authors))

    def audience(self, post: int) -> array:
        """Sorted ids of those in whose timelines the post must stand."""
        return self.graph.followers_of(self.authors[post])

    def notified(self, post: int) -> list[int]:
        """Sorted ids of those whose device must show the post."""
        return [user for user in self.audience(post) if user in self.device_owners]

    @cached_property
    def rows_by_post(self) -> list[int]:
        return [len(self.audience(post)) for post in range(self.posts)]

    @cached_property
    def pushes_by_post(self) -> list[int]:
        return [len(self.notified(post)) for post in range(self.posts)]

    def timeline(self, reader: int) -> list[int]:
        """The posts that must stand in a reader's timeline, by number."""
        followed = {author for author in set(self.authors) if reader in self._followers[author]}
        return [post for post, author in enumerate(self.authors) if author in followed]

    @property
    def members(self) -> list[int]:
        """Who acts over HTTP, and so needs a token."""
        return sorted({*self.authors, *self.device_owners, *self.readers})

    @cached_property
    def _followers(self) -> dict[int, Set[int]]:
        return {author: frozenset(self.graph.followers_of(author)) for author in set(self.authors)}
