"""An author whose followers each have a device that receives pushes."""

import time
from dataclasses import dataclass
from itertools import count

import requests

from devtools.lab import population
from devtools.lab.database import execute
from devtools.lab.environment import Environment
from devtools.lab.graph import Graph
from devtools.push_service import Device, registration

TIMEOUT_SECONDS = 30
AUTHOR = 1
numbers = count(1)


@dataclass(frozen=True)
class Audience:
    """`token` is the author's API token; the API is at `origin`."""

    origin: str
    token: str
    devices: list[Device]

    @classmethod
    def make(cls, environment: Environment, push_origin: str, size: int) -> "Audience":
        followers = range(AUTHOR + 1, AUTHOR + 1 + size)
        graph = Graph.from_edges((follower, AUTHOR) for follower in followers)
        prefix = f"audience-{next(numbers)}"
        people = population.load(environment, graph, members=[AUTHOR], prefix=prefix)
        devices = [Device.generate() for _ in followers]
        users = [people.ids[follower] for follower in followers]
        given = [(user, device, push_origin) for user, device in zip(users, devices, strict=True)]
        connection = environment.connect()
        registration.register(connection, given)
        execute(connection, "VACUUM ANALYZE")
        connection.close()
        return cls(environment.origin, people.tokens[AUTHOR], devices)

    def post(self) -> tuple[int, float]:
        """Write a post; return its id and the time.monotonic() at which the API answered 201.
        Raises OSError."""
        answer = requests.post(
            f"{self.origin}/api/v1/posts/",
            json={"content": f"A post as long as people write them. {time.monotonic()}"},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=TIMEOUT_SECONDS,
        )
        at = time.monotonic()
        answer.raise_for_status()
        return answer.json()["id"], at
