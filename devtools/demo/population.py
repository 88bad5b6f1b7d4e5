"""The graph's users and follows, loaded into the demo's database in bulk."""

import io
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from devtools.demo.graph import Graph
from devtools.demo.scenario import Scenario
from devtools.lab import question

OPERATOR = "operator"
LINES = 50_000


@dataclass(frozen=True)
class Population:
    """Users in our database, by their ids in the graph, which differ. `password` is everyone's."""

    ids: dict[int, int]
    tokens: dict[int, str]
    password: str

    @staticmethod
    def username(user: int) -> str:
        return f"user-{user}"


def load(
    scenario: Scenario, root: Path, environ: Mapping[str, str], *, operator: bool
) -> Population:
    """Load users and follows, with tokens for whoever acts in the scenario. `operator` adds an
    administrator."""
    password = secrets.token_urlsafe(12)
    # Backwards, so that our ids differ from the graph's and mistaking one for the other shows.
    users, members = list(scenario.graph.users)[::-1], scenario.members
    made = question.ask(
        "devtools.demo.accounts",
        given={
            "password": password,
            "usernames": list(map(Population.username, users)),
            "members": list(map(Population.username, members)),
            "operator": OPERATOR if operator else None,
        },
        root=root,
        environ=environ,
    )
    ids = dict(zip(users, made["ids"], strict=True))
    tokens = {member: made["tokens"][Population.username(member)] for member in members}
    copy_follows(scenario.graph, ids, environ["DATABASE_DIRECT_URL"])
    if dormant := [ids[user] for user in scenario.mixture.dormant]:
        question.ask("devtools.demo.absence", given=dormant, root=root, environ=environ)
    return Population(ids, tokens, password)


def copy_follows(graph: Graph, ids: Mapping[int, int], database_url: str) -> None:
    """Without signals: the follows are older than every post, and no news."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for lines in follow_lines(graph, ids):
                cursor.copy_expert(
                    "COPY social_follow (follower_id, followee_id, created_at) FROM STDIN",
                    io.StringIO(lines),
                )
            # The planner must know the tables, and index-only scans the pages without old rows.
            for table in ("social_follow", "social_user", "social_token"):
                cursor.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        connection.close()


def follow_lines(graph: Graph, ids: Mapping[int, int]) -> Iterator[str]:
    """The follows as COPY takes them, about LINES lines at a time."""
    now = datetime.now(UTC).isoformat()
    lines: list[str] = []
    for followee, followers in graph.followers.items():
        rest = f"\t{ids[followee]}\t{now}\n"
        lines += [f"{ids[follower]}{rest}" for follower in followers]
        if len(lines) >= LINES:
            yield "".join(lines)
            lines = []
    yield "".join(lines)
