"""Users who post, and an author whose followers have devices, while something else is measured."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, repeat

from devtools.bench.audience import AUTHOR, Audience
from devtools.bench.benchmark import Figures
from devtools.bench.memory import Memory
from devtools.bench.push_phases import Phase
from devtools.lab.attempts import Attempts
from devtools.lab.environment import Environment
from devtools.lab.load import BackgroundLoad
from devtools.lab.population import Population
from devtools.lab.receiver import Receiver
from devtools.push_service import Device, Receipt, post_topic

RATE = 12.0  # posts a second: ten times the average of the peak day
PUSHED_RATE = 1.0
# Must exceed the longest time one push may take.
TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.1


def posting(environment: Environment, people: Population, rate: float = RATE, **options):
    """A load that posts as the users who have a token, one after the other, from start() to stop().
    `options` are those of BackgroundLoad."""
    return BackgroundLoad(
        environment.origin,
        people.tokens,
        cycle(people.tokens),
        rate=rate,
        content=lambda number: "A post of a benchmark",
        **options,
    )


def posted(environment: Environment, people: Population, seconds: float) -> Attempts:
    """Post for `seconds`, and return the attempts. Use this as a warm-up too: a server that has
    just started answers its first requests slowly."""
    load = posting(environment, people)
    load.start()
    time.sleep(seconds)
    load.stop()
    return load.attempts


class Background:
    """Posts in phases, with separate figures for each phase."""

    def __init__(
        self, environment: Environment, people: Population, audience: Audience, memory: Memory
    ) -> None:
        self._environment = environment
        self._people = people
        self._audience = audience
        self._memory = memory
        self._posted: dict[str, Attempts] = {}
        self._pushed: dict[str, Attempts] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        others = posting(self._environment, self._people)
        author = BackgroundLoad(
            self._audience.origin,
            {AUTHOR: self._audience.token},
            repeat(AUTHOR),
            rate=PUSHED_RATE,
            content=lambda number: f"A post as long as people write them. {name} {number}",
        )
        with self._memory.watched(name):
            others.start()
            author.start()
            yield
            author.stop()
            others.stop()
        self._posted[name], self._pushed[name] = others.attempts, author.attempts

    def await_pushes(self, receiver: Receiver) -> None:
        """Wait until the push service has all pushes, at most TIMEOUT_SECONDS. Pushes that arrive
        later count as missing."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while receiver.accepted() < self._expected and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    @property
    def _expected(self) -> int:
        posts = sum(len(attempts.accepted) for attempts in self._pushed.values())
        return posts * len(self._audience.devices)

    def figures(self, receipts: Sequence[Receipt]) -> Figures:
        """Percentiles cover only what has arrived; the counts show what has not."""
        every = [*self._posted.values(), *self._pushed.values()]
        posts = [post_id for attempts in self._pushed.values() for post_id in attempts.numbers]
        found: Figures = {
            "failed_posts": sum(len(attempts.refused) for attempts in every),
            "missing_pushes": missing(receipts, posts, self._audience.devices),
        }
        for name, attempts in self._pushed.items():
            found[f"{name}_post_p99_s"] = self._posted[name].latencies().p99
            phase = Phase(dict(attempts.accepted_at))
            found[f"{name}_push_p99_s"] = phase.latencies(list(receipts)).p99
        return found


def missing(receipts: Iterable[Receipt], posts: Sequence[int], devices: Collection[Device]) -> int:
    """How many pushes the push service has not accepted, of one push per post and device."""
    topics = {post_topic(post_id) for post_id in posts}
    arrived = {(r.topic, r.token) for r in receipts if r.accepted and r.topic in topics}
    return len(topics) * len(devices) - len(arrived)
