"""Authors with a thousand followers each, and posts by them."""

from devtools.lab import population
from devtools.lab.environment import Environment
from devtools.lab.population import Population
from devtools.lab.random_graph import even_graph

FOLLOWERS = 1_000
LEAST_USERS = 100_000
STEP = 7_919  # A prime, so that every author gets a turn.
POSTING = 500  # authors, at most


def make(environment: Environment, follows: int) -> Population:
    """Load `follows` follows and vacuum the tables. Some of the authors get a token and post over
    HTTP."""
    authors = max(follows // FOLLOWERS, 1)
    graph = even_graph(max(LEAST_USERS, authors), authors, FOLLOWERS)
    return population.load(environment, graph, members=graph.authors[:POSTING])


def write_posts(
    environment: Environment, people: Population, count: int, a_second: int | None = None
) -> list[tuple[int, int]]:
    """Write posts with their events in the outbox, at full speed or `a_second`; return (post id,
    author id) pairs. The authors take turns, and consecutive posts have authors who are far
    apart."""
    turns = people.graph.authors
    authors = [people.ids[turns[number * STEP % len(turns)]] for number in range(count)]
    pace = [str(a_second)] if a_second else []
    ids = environment.ask("devtools.bench.inside", "posts", *pace, given=authors)
    return list(zip(ids, authors, strict=True))
