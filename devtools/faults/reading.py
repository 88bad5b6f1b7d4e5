"""Home timelines as the API shows them to their owners."""

import json
from collections.abc import Iterable
from urllib.request import Request, urlopen

from devtools.faults.population import Population

SECONDS = 10.0


def shown(origin: str, people: Population, users: Iterable[int]) -> dict[int, list[int]]:
    """Post ids by user id, all pages, of users by their numbers in the graph."""
    return {people.ids[user]: _timeline(origin, people.tokens[user]) for user in users}


def _timeline(origin: str, token: str) -> list[int]:
    posts: list[int] = []
    url: str | None = f"{origin}/api/v1/timeline/"
    while url:
        request = Request(url, headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=SECONDS) as response:
            page = json.load(response)
        posts += [post["id"] for post in page["results"]]
        url = page["older"]
    return posts
