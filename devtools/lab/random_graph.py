"""Random follower graphs and random authors of posts. A seed gives the same result everywhere."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random

from devtools.lab.graph import Graph

# The author at rank r (from 0) has 30 % of all users times 19 / (r + 19) as followers: Zipf's law
# with Mandelbrot's offset. 4,000 users give 1,200 followers at the top and 30 on average. It uses
# integers only, because pow() may differ in its last digit between platforms.
TOP_SHARE = (3, 10)
RANK_OFFSET = 19


def generate_graph(
    users: int = 4000,
    seed: int = 1,
    *,
    authors: int | None = None,
    top_share: tuple[int, int] = TOP_SHARE,
    rank_offset: int = RANK_OFFSET,
) -> Graph:
    """Draw a heavy-tailed graph of users 1..users; the same for a seed on every platform.

    Each of the authors, by default every user, has at least one follower. Raises ValueError for
    fewer than two users.
    """
    if users < 2:
        raise ValueError("a follow needs two users")
    # Only random() is promised to stay the same between Python versions.
    draw = Random(seed).random
    ranking = list(range(1, users + 1))
    for last in range(users - 1, 0, -1):
        other = int(draw() * (last + 1))
        ranking[last], ranking[other] = ranking[other], ranking[last]
    share, whole = top_share
    wanted = {
        followee: max(1, users * share * rank_offset // (whole * (rank + rank_offset)))
        for rank, followee in enumerate(ranking[:authors])
    }
    return Graph.from_edges(draw_edges(wanted, users, draw), range(1, users + 1))


def draw_edges(
    wanted: dict[int, int], users: int, draw: Callable[[], float]
) -> Iterator[tuple[int, int]]:
    for followee, count in wanted.items():
        chosen: set[int] = set()
        while len(chosen) < count:
            follower = int(draw() * users) + 1
            if follower != followee:
                chosen.add(follower)
        for follower in chosen:
            yield follower, followee


def even_graph(users: int, authors: int, followers: int, seed: int = 1) -> Graph:
    """A graph of users 1..users in which the first `authors` users have `followers` followers each.
    The followers of an author are spread evenly over the range of ids, so that a slice of followers
    is spread over the tables."""
    draw = Random(seed).random
    part = users // followers

    def drawn(place: int, author: int) -> int:
        follower = place * part + int(draw() * part) + 1
        # An author drawn as their own follower is replaced by a neighbour.
        return follower if follower != author else place * part + follower % part + 1

    edges = (
        (drawn(place, author), author)
        for author in range(1, authors + 1)
        for place in range(followers)
    )
    return Graph.from_edges(edges, range(1, users + 1))


def draw_authors(graph: Graph, posts: int, rng: Random) -> list[int]:
    """Draw one author for each post, in proportion to their followers.

    Users without followers never post; the most-followed user posts at least once.
    """
    if posts < 1:
        return []
    weights = accumulate(map(len, graph.followers.values()))
    authors = rng.choices(list(graph.followers), cum_weights=list(weights), k=posts)
    if graph.most_followed() not in authors:
        authors[rng.randrange(posts)] = graph.most_followed()
    return authors
