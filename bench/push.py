"""bin/bench push: pushes a CPU second beside the encryptions that one allows, and how long after
the API's 201 the push service has them, also while the timelines' workers are saturated."""

import argparse
import secrets
import time
from collections.abc import Mapping

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from bench.audience import Audience, make_follows, make_users
from bench.benchmark import Benchmark, Figures, at_least, at_most
from bench.house import House
from bench.receiver import Receiver
from stack import proc
from stack.latency import Percentiles
from stack.process import ServerFailure
from stack.progress import Progress
from stack.push_service import Device, Receipt, decrypt_all, post_topic

FOLLOWERS = 1_000
SINGLE_POSTS = 5
BURST_POSTS = 50
LOUD_AUTHORS = 10
SENDERS = ("notifications-worker", "retries-worker")
ENCRYPTIONS = 3_000
PLAINTEXT = secrets.token_bytes(150)  # As long as a message about a post of the benchmark.
LOOK_SECONDS = 0.05
# Without another push for this long, something is wrong.
PATIENCE_SECONDS = 60.0
UNPLANNED = """
    SELECT (SELECT count(*) FROM events_outboxevent WHERE published_at IS NULL)
         + (SELECT count(*) FROM social_post) - (
             SELECT count(*) FROM events_inboxentry inbox
             JOIN events_outboxevent event USING (event_id)
             WHERE subscriber = 'notifications' AND routing_key = 'post.created'
         )
"""
WAITING = "SELECT count(*) FROM timelines_fanout WHERE finished_at IS NULL"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, default=6_000_000, help="timeline rows that saturate (6,000,000)"
    )


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    with House(PUSH_ALLOW_LOOPBACK="1").open(progress) as house:
        receiver = Receiver(house)
        with receiver.running():
            try:
                progress.stage("starting all processes")
                house.processes.start()
                house.processes.wait_ready()
                measurement = Measurement(house, receiver, progress)
                measurement.measure(options.rows)
            finally:
                house.processes.stop()
        progress.stage("decrypting what was received")
        return measurement.figures(receiver.receipts())


class Measurement:
    """Posts and when each was answered, by what they were written for."""

    def __init__(self, house: House, receiver: Receiver, progress: Progress) -> None:
        self._house = house
        self._receiver = receiver
        self._progress = progress
        self._connection = house.connect()
        self._audience = Audience.make(house, self._connection, receiver.origin, FOLLOWERS)
        self._expected = 0
        self.answered: dict[str, dict[int, float]] = {}
        self.pushes_per_cpu_s = self.limit_per_cpu_s = 0.0
        self.waiting = 0

    def measure(self, rows: int) -> None:
        self._tell("warming up", 1)
        self._tell("single", SINGLE_POSTS)
        self.limit_per_cpu_s = limit_per_cpu_s(self._audience.devices[0])
        before = self._cpu_seconds()
        self._tell("burst", BURST_POSTS, at_once=True)
        self.pushes_per_cpu_s = BURST_POSTS * FOLLOWERS / (self._cpu_seconds() - before)
        ours, limit = self.pushes_per_cpu_s, self.limit_per_cpu_s
        self._progress.stage(f"{ours:,.0f} pushes and {limit:,.0f} encryptions a CPU second")
        self._saturate(rows)
        self._tell("saturated", SINGLE_POSTS)
        with self._connection.cursor() as cursor:
            cursor.execute(WAITING)
            self.waiting = cursor.fetchone()[0]

    def _tell(self, kind: str, posts: int, *, at_once: bool = False) -> None:
        """Write posts, each when the one before it has reached every device, or all at once."""
        answered = self.answered.setdefault(kind, {})
        for number in range(1, posts + 1):
            post_id, at = self._audience.post()
            answered[post_id] = at
            self._expected += FOLLOWERS
            if not at_once or number == posts:
                self._wait(kind)

    def _wait(self, kind: str) -> None:
        seen, changed = -1, time.monotonic()
        while (accepted := self._receiver.accepted()) < self._expected:
            if accepted > seen:
                seen, changed = accepted, time.monotonic()
            elif time.monotonic() - changed > PATIENCE_SECONDS:
                raise ServerFailure(f"{seen:,} of {self._expected:,} pushes, and no more: {kind}")
            self._progress.count(f"{kind}: {accepted:,} of {self._expected:,} pushes")
            time.sleep(LOOK_SECONDS)

    def _saturate(self, rows: int) -> None:
        """A backlog of so many rows for the timelines' workers, of posts that nobody asked for."""
        self._progress.stage(f"saturating the timelines' workers with {rows:,} rows")
        connection = self._connection
        authors = make_users(connection, "loud", LOUD_AUTHORS)
        size = 10_000
        make_follows(connection, make_users(connection, "crowd", size), authors)
        posts = rows // size
        wanted = [authors[n % LOUD_AUTHORS] for n in range(posts)]
        self._house.ask("bench.inside", "posts", given=wanted)
        with connection.cursor() as cursor:
            cursor.execute("NOTIFY events_outbox")
            # The posts' own way to the devices must be free: it is not what is measured here.
            while cursor.execute(UNPLANNED) or cursor.fetchone()[0]:
                time.sleep(LOOK_SECONDS)

    def _cpu_seconds(self) -> float:
        return sum(proc.cpu_seconds(self._house.processes.pid(name)) for name in SENDERS)

    def figures(self, receipts: list[Receipt]) -> Figures:
        """Raises ServerFailure unless each device could read each push, once."""
        report = decrypt_all(receipts, self._audience.devices)
        told = {(receipt.topic, receipt.token) for receipt, _ in report.opened}
        if report.faults or len(told) != self._expected:
            raise ServerFailure(f"{len(told):,} of {self._expected:,} pushes could be read")
        if not self.waiting:
            raise ServerFailure("the timelines' workers had nothing to do: take more --rows")
        single = latencies(receipts, self.answered["single"])
        saturated = latencies(receipts, self.answered["saturated"])
        return {
            "pushes_per_cpu_s": self.pushes_per_cpu_s,
            "limit_per_cpu_s": self.limit_per_cpu_s,
            "ratio": self.pushes_per_cpu_s / self.limit_per_cpu_s,
            "p50_s": single.p50,
            "p95_s": single.p95,
            "p99_s": single.p99,
            "saturated_p99_s": saturated.p99,
            "pushes": len(told),
        }


def latencies(receipts: list[Receipt], answered: Mapping[int, float]) -> Percentiles:
    """From the API's 201 of each post to each of its receipts."""
    begun = {post_topic(post_id): at for post_id, at in answered.items()}
    return Percentiles.of(r.monotonic - begun[r.topic] for r in receipts if r.topic in begun)


def limit_per_cpu_s(device: Device) -> float:
    """Encryptions a CPU second, with the library that the sender uses and nothing around it."""
    begun = time.process_time()
    for _ in range(ENCRYPTIONS):
        http_ece.encrypt(
            PLAINTEXT,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=device.public_key,
            auth_secret=device.auth,
            version="aes128gcm",
        )
    return ENCRYPTIONS / (time.process_time() - begun)


BENCHMARK = Benchmark(
    name="push",
    summary="pushes a CPU second, and how long after the API's 201 the push service has them",
    add_options=add_options,
    run=run,
    required={
        "ratio": at_least(0.25),
        "p99_s": at_most(2.0),
        "saturated_p99_s": at_most(5.0),
    },
)
