"""The people of a run: few authors, many users, a heavy-tailed number of followers, some mutes."""

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
# The author at rank r (from 0) has half of all users times 10 / (r + 10) followers: 300 at the top.
TOP_SHARE, RANK_OFFSET = (1, 2), 10


@dataclass(frozen=True, kw_only=True)
class People(Population):
    """`mutes` are (muter, muted) pairs by ids in the graph; whoever mutes follows as well.
    `subscribers` are queue and event types by name; `target` is that of the timelines, in
    seconds."""

    mutes: frozenset[tuple[int, int]]
    subscribers: Mapping[str, tuple[str, frozenset[str]]]
    target: float

    def relate(self, connection) -> None:
        """Set follows and mutes to those of the graph; they are older than every post."""
        # The triggers that keep the counts see the COPY, but no TRUNCATE.
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
        """Whom a post is for: of each author the followers who have not muted them, by our ids."""
        ids = self.ids
        return {
            ids[author]: {ids[user] for user in users if (user, author) not in self.mutes}
            for author, users in self.graph.followers.items()
        }

    def most_reached(self, count: int) -> list[int]:
        """The users who are given the posts of most authors."""
        given = dict.fromkeys(self.graph.users, 0)
        for user, author in self.graph.edges():
            given[user] += (user, author) not in self.mutes
        return sorted(given, key=given.__getitem__)[-count:]


def make(environment: Environment, seed: int) -> People:
    """In the environment's database, each with a token. Raises ServerFailure."""
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
