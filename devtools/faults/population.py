"""The people of a run in the database, and who subscribes to what."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.faults.graph import Graph
from devtools.lab import question


@dataclass(frozen=True)
class Population:
    """Users' ids and tokens by their number in the graph; `subscribers` are queue and event types
    by name."""

    graph: Graph
    ids: list[int]
    tokens: list[str]
    subscribers: dict[str, tuple[str, frozenset[str]]]

    @classmethod
    def make(cls, graph: Graph, root: Path, environ: Mapping[str, str]) -> "Population":
        made = question.ask("devtools.faults.inside", given=graph.users, root=root, environ=environ)
        subscribers = {n: (queue, frozenset(t)) for n, (queue, t) in made["subscribers"].items()}
        return cls(graph, made["ids"], made["tokens"], subscribers)

    def relate(self, connection) -> None:
        """Set follows and mutes to those of the graph; they are older than every post."""
        with connection.cursor() as cursor:
            # The triggers that keep the counts see the COPY, but no TRUNCATE.
            cursor.execute("TRUNCATE social_follow, social_followcount, social_mute")
        for table, columns, pairs in (
            ("social_follow", "follower_id, followee_id", self.graph.follows),
            ("social_mute", "muter_id, muted_id", self.graph.mutes),
        ):
            lines = (f"{self.ids[a]}\t{self.ids[b]}\t2026-01-01T00:00:00Z\n" for a, b in pairs)
            with connection.cursor() as cursor:
                copy = f"COPY {table} ({columns}, created_at) FROM STDIN"
                cursor.copy_expert(copy, io.StringIO("".join(lines)))
                cursor.execute(f"ANALYZE {table}")
