"""The users of a run: few authors, many users, a heavy-tailed number of followers, some mutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random

from devtools.lab import population
from devtools.lab.database import execute
from devtools.lab.environment import Environment
from devtools.lab.population import INSIDE, Population
from devtools.lab.random_graph import generate_graph

USERS, AUTHORS = 600, 60
# The author at rank r (from 0) has half of all users times 10 / (r + 10) as followers: 300 at the
# top.
TOP_SHARE, RANK_OFFSET = (1, 2), 10


@dataclass(frozen=True, kw_only=True)
class People(Population):
    """`mutes` are (muter, muted) pairs of graph ids; every muter also follows. `subscribers` has
    queue and event types by name; `target` is the timelines' target in seconds."""

    mutes: frozenset[tuple[int, int]]
    subscribers: Mapping[str, tuple[str, frozenset[str]]]
    target: float

    def relate(self, connection) -> None:
        """Reset follows and mutes to those of the graph. They are older than every post."""
        # COPY fires the triggers that maintain the counts, and TRUNCATE does not.
        execute(connection, "TRUNCATE social_follow, social_followcount, social_mute")
        muters: dict[int, list[int]] = {}
        for muter, muted in self.mutes:
            muters.setdefault(muted, []).append(muter)
        for table, columns, related in (
            ("social_follow", "follower_id, followee_id", self.graph.followers),
            ("social_mute", "muter_id, muted_id", muters),
        ):
            population.relate(connection, table, columns, related, self.ids)
            execute(connection, f"ANALYZE {table}")

    @property
    def authors(self) -> list[int]:
        """Their ids in our database, the most followed first."""
        return [self.ids[author] for author in self.graph.authors]

    @cached_property
    def reached(self) -> dict[int, set[int]]:
        """The followers who have not muted the author, by author, in our ids."""
        ids = self.ids
        return {
            ids[author]: {ids[user] for user in users if (user, author) not in self.mutes}
            for author, users in self.graph.followers.items()
        }

    def most_reached(self, count: int) -> list[int]:
        """The users who receive the posts of most authors."""
        given = dict.fromkeys(self.graph.users, 0)
        for user, author in self.graph.edges():
            given[user] += (user, author) not in self.mutes
        return sorted(given, key=given.__getitem__)[-count:]


def make(environment: Environment, seed: int) -> People:
    """Load the users into the environment's database, each with a token. Raises ServerFailure."""
    graph = generate_graph(
        USERS, seed, authors=AUTHORS, top_share=TOP_SHARE, rank_offset=RANK_OFFSET
    )
    mutes = Random(seed).sample(list(graph.edges()), graph.follow_count // 100)
    loaded = population.load(environment, graph, members=graph.users)
    found = environment.ask(INSIDE, "subscribers")
    return People(
        **vars(loaded),
        mutes=frozenset(mutes),
        subscribers={name: (queue, frozenset(types)) for name, (queue, types, _) in found.items()},
        target=found["timelines"][2],
    )
