"""Clients that keep their timeline open and read forward, each along its `newer` links."""

import json
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.request import Request, urlopen

from devtools.faults.attempts import Attempt
from devtools.faults.population import Population

PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 10.0


class Readers:
    """`seen` are the times (time.monotonic()) at which a user (its number in the graph) was given a
    post, by (user, post id); `repeated` counts posts that a user was given more than once."""

    def __init__(self, origin: str, people: Population, users: Sequence[int]):
        self.seen: dict[tuple[int, int], float] = {}
        self.repeated = 0
        self._people = people
        self._next = {user: f"{origin}/api/v1/timeline/" for user in users}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="readers", daemon=True)

    def start(self) -> "Readers":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def delays(self, attempts: Sequence[Attempt]) -> list[float]:
        """For each reader and each accepted post that it is to be given, the seconds until it was;
        until now for one that it was not given."""
        now = time.monotonic()
        followed = self._people.graph.follows - self._people.graph.mutes
        return [
            self.seen.get((user, attempt.post_id), now) - attempt.accepted_at
            for attempt in attempts
            for user in self._next
            if attempt.accepted and (user, attempt.author) in followed
        ]

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            for user in self._next:
                with suppress(OSError):  # Like a good client, it asks for the same page again.
                    while self._read(user):
                        pass

    def _read(self, user: int) -> bool:
        """Read one page; whether there may be more at once."""
        authorization = {"Authorization": f"Bearer {self._people.tokens[user]}"}
        request = Request(self._next[user], headers=authorization)
        with urlopen(request, timeout=ANSWER_SECONDS) as response:
            page = json.load(response)
        for post in page["results"]:
            key = (user, post["id"])
            self.repeated += key in self.seen
            self.seen.setdefault(key, time.monotonic())
        self._next[user] = page["newer"] or self._next[user]
        return bool(page["results"])


def most_reached(people: Population, count: int) -> list[int]:
    """The users who follow most authors: a client may read only so far ahead of a late post."""
    followed = dict.fromkeys(range(people.graph.users), 0)
    for follower, _ in people.graph.follows - people.graph.mutes:
        followed[follower] += 1
    return sorted(followed, key=followed.__getitem__)[-count:]
