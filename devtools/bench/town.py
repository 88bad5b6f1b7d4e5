"""People who post, and one whose followers have devices, while something else goes on."""

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from devtools.bench.audience import Audience
from devtools.bench.benchmark import Figures
from devtools.bench.house import House
from devtools.bench.memory import Memory
from devtools.bench.posting import Posting
from devtools.bench.push import latencies
from devtools.bench.receiver import Receiver
from devtools.lab.latency import Percentiles
from devtools.push_service import Device, Receipt, post_topic

TELL_SECONDS = 1.0
# Longer than a push may take.
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.1


class Town:
    """Phase by phase, each with figures of its own."""

    def __init__(
        self, house: House, authors: Sequence[int], audience: Audience, memory: Memory
    ) -> None:
        self._house = house
        self._authors = authors
        self._audience = audience
        self._memory = memory
        self._answers: dict[str, list[float]] = {}
        self._told: dict[str, dict[int, float]] = {}
        self._failed: list[str] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        posting = Posting(self._house, self._authors)
        told, ended = self._told.setdefault(name, {}), threading.Event()

        def tell() -> None:
            while not ended.wait(TELL_SECONDS):
                try:
                    told.update([self._audience.post()])
                except OSError as error:  # A refusal too; the next one is tried.
                    self._failed.append(str(error))

        teller = threading.Thread(target=tell, daemon=True)
        with self._memory.watched(name):
            posting.start()
            teller.start()
            yield
            ended.set()
            teller.join()
            posting.finish()
        self._answers[name] = posting.answers
        self._failed += posting.failed

    def await_pushes(self, receiver: Receiver) -> None:
        """Until the push service has all; those that take too long are missing."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while receiver.accepted() < self._expected and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    @property
    def _expected(self) -> int:
        return sum(map(len, self._told.values())) * len(self._audience.devices)

    def figures(self, receipts: Sequence[Receipt]) -> Figures:
        """Percentiles are taken over what has arrived, so that what has not is counted."""
        posts = [post_id for told in self._told.values() for post_id in told]
        found: Figures = {
            "failed_posts": len(self._failed),
            "missing_pushes": missing(receipts, posts, self._audience.devices),
        }
        for name, told in self._told.items():
            found[f"{name}_post_p99_s"] = Percentiles.of(self._answers[name]).p99
            found[f"{name}_push_p99_s"] = latencies(receipts, told).p99
        return found


def missing(receipts: Iterable[Receipt], posts: Sequence[int], devices: Collection[Device]) -> int:
    """How many pushes, one of each post to each device, the push service has not taken."""
    topics = {post_topic(post_id) for post_id in posts}
    arrived = {(r.topic, r.token) for r in receipts if r.accepted and r.topic in topics}
    return len(topics) * len(devices) - len(arrived)
