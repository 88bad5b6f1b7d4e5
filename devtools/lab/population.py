"""Loads a graph's users and follows into the database of a run in bulk."""

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from devtools.lab.database import copy, execute
from devtools.lab.environment import Environment
from devtools.lab.graph import Graph

INSIDE = "devtools.lab.inside"
OPERATOR = "operator"


def username(user: int, prefix: str = "user") -> str:
    return f"{prefix}-{user}"


@dataclass(frozen=True)
class Population:
    """Users in our database, by their graph ids, which differ from ours. `tokens` are those of the
    members; all users share `password`."""

    graph: Graph
    ids: dict[int, int]
    tokens: dict[int, str]
    password: str
    prefix: str = "user"

    def username(self, user: int) -> str:
        return username(user, self.prefix)


def load(
    environment: Environment,
    graph: Graph,
    *,
    members: Collection[int] = (),
    operator: bool = False,
    prefix: str = "user",
) -> Population:
    """Load users and follows, with a token for each of the members. `operator` adds an
    administrator; usernames begin with `prefix`. Raises ServerFailure."""
    password = secrets.token_urlsafe(12)
    # Create the users in reverse order, so that our ids differ from the graph's and a mix-up is
    # noticed.
    users = list(graph.users)[::-1]
    people = Population(graph, {}, {}, password, prefix)
    names = {user: people.username(user) for user in users}
    order = {
        "password": password,
        "usernames": list(names.values()),
        "members": [names[user] for user in members],
        "operator": OPERATOR if operator else None,
    }
    made = environment.ask(INSIDE, "accounts", given=order)
    people.ids.update(zip(users, made["ids"], strict=True))
    people.tokens.update((member, made["tokens"][names[member]]) for member in members)
    connection = environment.connect()
    try:
        relate(connection, "social_follow", "follower_id, followee_id", graph.followers, people.ids)
        # The planner needs statistics, and index-only scans need the visibility map.
        for table in ("social_follow", "social_user", "social_token"):
            execute(connection, f"VACUUM (ANALYZE) {table}")
    finally:
        connection.close()
    return people


def relate(
    connection,
    table: str,
    columns: str,
    related: Mapping[int, Iterable[int]],
    ids: Mapping[int, int],
) -> None:
    """Write (one, other) rows for each `other` and its related users, given by graph ids. No
    signals are sent, because these follows are older than every post."""
    copy(connection, table, f"{columns}, created_at", lines(related, ids))


def lines(related: Mapping[int, Iterable[int]], ids: Mapping[int, int]) -> Iterator[str]:
    """Lines in the order of our ids, as a table grows when people follow over time."""
    now = datetime.now(UTC).isoformat()
    for other in sorted(related, key=ids.__getitem__):
        ending = f"\t{ids[other]}\t{now}\n"
        yield "".join([f"{one}{ending}" for one in sorted(map(ids.__getitem__, related[other]))])
