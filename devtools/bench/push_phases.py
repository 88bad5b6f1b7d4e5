"""Posts to an author's followers in phases, each with its own behaviour of the push service."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from devtools.bench.audience import Audience
from devtools.lab.environment import Environment
from devtools.lab.latency import Percentiles
from devtools.lab.progress import Progress
from devtools.lab.receiver import Receiver
from devtools.push_service import Receipt, post_topic
from devtools.push_service.conditions import Conditions
from devtools.servers.process import ServerFailure

POLL_SECONDS = 0.25
# If no further push arrives for this long, something is wrong.
TIMEOUT_SECONDS = 90.0
UNSETTLED = """
    SELECT (SELECT count(*) FROM notifications_delivery
            WHERE post_id = ANY(%(posts)s) AND due_at IS NOT NULL),
           (SELECT count(*) FROM notifications_delivery WHERE post_id = ANY(%(posts)s)),
           (SELECT count(*) FROM notifications_fanout
            WHERE post_id = ANY(%(posts)s) AND slices = (
                SELECT count(*) FROM notifications_slicerecord done
                WHERE done.post_id = notifications_fanout.post_id))
"""


@dataclass
class Phase:
    """Maps each post's id to the time.monotonic() at which it was answered 201."""

    answered: dict[int, float] = field(default_factory=dict)

    def receipts(self, receipts: list[Receipt]) -> list[Receipt]:
        """The first receipt of each push of these posts, in order of arrival."""
        topics = {post_topic(post_id) for post_id in self.answered}
        first = {}
        for receipt in receipts:
            if receipt.topic in topics:
                first.setdefault((receipt.topic, receipt.token), receipt)
        return list(first.values())

    def latencies(self, receipts: list[Receipt], *, refused: bool = True) -> Percentiles:
        """From the 201 to the first receipt. Without `refused`, only pushes that were accepted at
        once count."""
        begun = {post_topic(post_id): at for post_id, at in self.answered.items()}
        return Percentiles.of(
            receipt.monotonic - begun[receipt.topic]
            for receipt in self.receipts(receipts)
            if refused or receipt.accepted
        )

    def per_second(self, receipts: list[Receipt]) -> float:
        """Accepted pushes per second. The last 1 % are left out: they wait for retries, which has
        nothing to do with throughput."""
        at = sorted(each.monotonic for each in self.receipts(receipts) if each.accepted)
        counted = at[: max(2, len(at) * 99 // 100)]
        return (len(counted) - 1) / (counted[-1] - counted[0])


class Phases:
    """Each phase has a new audience, because some of its devices are gone afterwards."""

    def __init__(
        self, environment: Environment, receiver: Receiver, progress: Progress, devices: int
    ) -> None:
        self._environment = environment
        self._receiver = receiver
        self._progress = progress
        self._devices = devices
        self._connection = environment.connect()
        self.devices: list = []

    def run(self, name: str, conditions: Conditions, posts: int, *, at_once: bool = False) -> Phase:
        """Write posts: all at once, or each when the previous one is settled."""
        with self.conditions(conditions):
            audience = self.audience()
            phase = Phase()
            for number in range(1, posts + 1):
                post_id, at = audience.post()
                phase.answered[post_id] = at
                if not at_once or number == posts:
                    self.settle(name, phase)
        return phase

    def audience(self, devices: int | None = None) -> Audience:
        size = devices or self._devices
        made = Audience.make(self._environment, self._receiver.origin, size)
        self.devices += made.devices
        return made

    @contextmanager
    def conditions(self, conditions: Conditions) -> Iterator[None]:
        self._receiver.set_conditions(conditions)
        yield
        self._receiver.set_conditions(Conditions())

    def settle(self, name: str, phase: Phase) -> None:
        """Wait until every push of the phase is settled."""
        posts, seen, changed = list(phase.answered), None, time.monotonic()
        with self._connection.cursor() as cursor:
            while True:
                cursor.execute(UNSETTLED, {"posts": posts})
                unsettled, begun, planned = found = cursor.fetchone()
                if planned == len(posts) and not unsettled:
                    return
                if found != seen:
                    seen, changed = found, time.monotonic()
                elif time.monotonic() - changed > TIMEOUT_SECONDS:
                    raise ServerFailure(f"{unsettled:,} pushes are not settled: {name}")
                self._progress.count(f"{name}: {begun - unsettled:,} of {begun:,} pushes settled")
                time.sleep(POLL_SECONDS)
