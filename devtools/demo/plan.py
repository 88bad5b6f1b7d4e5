"""The plan of a run: who posts, who has push, who reads at the end, and the mixture.

It is drawn from the follower graph alone, in the graph's own ids. Posts are numbered from 0.
"""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from random import Random

from devtools.demo.mixture import NOTHING, Mixture
from devtools.lab.graph import Graph
from devtools.lab.random_graph import draw_authors

PUSH_AUTHORS = 20
READERS = 3
# Fixed, so that two runs can be compared.
SEED = 1


def content(number: int) -> str:
    """The text of a post."""
    return f"Post number {number} of the demo"


@dataclass(frozen=True)
class Plan:
    """`authors[n]` writes post n. Every follower of the `push_authors` has a device, except those
    who follow or unfollow during the run."""

    graph: Graph
    authors: list[int]
    push_authors: list[int]
    readers: list[int]
    mixture: Mixture = NOTHING

    @classmethod
    def draw(cls, graph: Graph, posts: int, *, mixed: bool = False, seed: int = SEED) -> "Plan":
        """Draw authors in proportion to their followers, up to 20 of them as push authors, and
        three of the followers as readers."""
        rng = Random(seed)
        authors = draw_authors(graph, posts, rng)
        distinct = sorted(set(authors))
        chosen = rng.sample(distinct, min(PUSH_AUTHORS, len(distinct)))
        audience = sorted(set().union(*map(graph.followers_of, set(authors))))
        readers = rng.sample(audience, min(READERS, len(audience)))
        mixture = Mixture.draw(graph, authors, rng) if mixed else NOTHING
        everyone = list(dict.fromkeys([*readers, *mixture.readers]))
        return cls(graph, authors, sorted(chosen), everyone, mixture)

    @property
    def posts(self) -> int:
        return len(self.authors)

    @cached_property
    def device_owners(self) -> Set[int]:
        followers = frozenset().union(*map(self.graph.followers_of, self.push_authors))
        return followers - self.mixture.restless

    @property
    def large_posts(self) -> int:
        """How many posts have a large audience; 0 in a run without a mixture."""
        limit = self.mixture.large_audience
        sizes = (len(self.graph.followers_of(author)) for author in self.authors)
        return 0 if limit is None else sum(size > limit for size in sizes)

    @property
    def members(self) -> list[int]:
        """The users who act over HTTP and so need a token."""
        acting = {*self.authors, *self.device_owners, *self.readers, self.guest}
        return sorted(acting | self.mixture.restless | self.mixture.returned)

    @property
    def guest(self) -> int:
        """A follower of the most-followed author, for a person to log in as afterwards."""
        followers = self.graph.followers_of(self.graph.most_followed())
        return min(followers, key=lambda user: user in self.mixture.restless)
