"""Authors of whom each has a thousand followers, and posts by them."""

from devtools.lab import population
from devtools.lab.environment import Environment
from devtools.lab.population import Population
from devtools.lab.random_graph import even_graph

FOLLOWERS = 1_000
LEAST_USERS = 100_000
STEP = 7_919  # A prime, so that every author's turn comes.
POSTING = 500  # authors, at most


def make(environment: Environment, follows: int) -> Population:
    """`follows` rows, as a database has them that was vacuumed since; tokens for some of the
    authors, who post over HTTP."""
    authors = max(follows // FOLLOWERS, 1)
    graph = even_graph(max(LEAST_USERS, authors), authors, FOLLOWERS)
    return population.load(environment, graph, members=graph.authors[:POSTING])


def write_posts(
    environment: Environment, people: Population, count: int, a_second: int | None = None
) -> list[tuple[int, int]]:
    """(post id, author id) pairs by our ids; the authors take turns, neighbours far from each
    other. Each post's event is in the outbox. As fast as can be, or so many a second."""
    turns = people.graph.authors
    authors = [people.ids[turns[number * STEP % len(turns)]] for number in range(count)]
    pace = [str(a_second)] if a_second else []
    ids = environment.ask("devtools.bench.inside", "posts", *pace, given=authors)
    return list(zip(ids, authors, strict=True))
