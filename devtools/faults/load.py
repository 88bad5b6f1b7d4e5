"""The load of a run: users post, follow and unfollow, and retry if they get no answer."""

from collections.abc import Awaitable, Iterator
from functools import partial
from random import Random

from devtools.faults.environment import POSTS_OF_AUTHOR
from devtools.faults.people import People
from devtools.lab.api import Api
from devtools.lab.load import BackgroundLoad

TIMEOUT_SECONDS = 6.0
RETRY_SECONDS = 0.5
FOLLOWS_A_POST = 0.2


class FaultsLoad(BackgroundLoad):
    """`follows` is how many follows change per post; a client retries after `retry` seconds."""

    def __init__(
        self,
        origin: str,
        people: People,
        random: Random,
        label: str,
        rate: float,
        follows: float = FOLLOWS_A_POST,
        retry: float = RETRY_SECONDS,
    ):
        authors = list(people.graph.authors) * POSTS_OF_AUTHOR
        random.shuffle(authors)
        super().__init__(
            origin,
            people.tokens,
            authors,
            rate=rate,
            content=lambda number: f"{label} post {number}",
            retry_seconds=retry,
            timeout=TIMEOUT_SECONDS,
        )
        self._people = people
        self._random = random
        self._follows_a_post = follows
        self._follows = set(people.graph.edges())

    def beside(self, api: Api) -> Iterator[Awaitable[None]]:
        """Sometimes a user follows or unfollows an author. Either request may be repeated."""
        if self._random.random() >= self._follows_a_post:
            return
        pair = (self._random.choice(self._people.graph.users), self._random.choice(self._authors))
        if pair[0] == pair[1]:
            return
        change = api.unfollow if pair in self._follows else api.follow
        self._follows ^= {pair}
        yield self.insist(partial(change, self._people.tokens[pair[0]], self._people.ids[pair[1]]))
