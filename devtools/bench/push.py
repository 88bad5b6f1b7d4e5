"""bin/bench push: compare pushes per CPU second with encryptions per CPU second, and measure the
time from the API's 201 until the push service has the pushes: with a service that answers at once
or as real ones do, while the timelines' workers are saturated, during a burst of other posts, and
without free CPU."""

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from threading import Thread

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from devtools.bench import pipeline, population
from devtools.bench.benchmark import Benchmark, Figures, at_least, at_most
from devtools.bench.environment import opened
from devtools.bench.population import FOLLOWERS, write_posts
from devtools.bench.push_phases import Phase, Phases
from devtools.lab import population as lab_population
from devtools.lab.environment import Environment
from devtools.lab.graph import Graph
from devtools.lab.latency import Percentiles
from devtools.lab.population import Population
from devtools.lab.progress import Progress
from devtools.lab.receiver import Receiver
from devtools.push_service import Device, Receipt, decrypt_all
from devtools.push_service.conditions import Conditions
from devtools.servers import proc
from devtools.servers.process import ServerFailure
from notifications.delivery.breaker_board import Board

SINGLE_POSTS = 5
POSTS_A_ROUND = 15
# So many posts of others arrive at once, while the author keeps writing.
BURST_POSTS = 5_000
BURST_DEVICES = 100
POST_SECONDS = 1.0
POSTS_AMID = 10
# All of the crowd follow each of these authors.
LOUD_AUTHORS = 10
CROWD = 10_000
BUSY_LOOPS_A_CORE = 2
SENDERS = ("notifications-high-worker", "notifications-retry-worker")
ENCRYPTIONS = 3_000
PLAINTEXT = secrets.token_bytes(150)  # as long as a message about a post of the benchmark
FAST = Conditions(seconds=0.001)
REAL = Conditions(
    seconds=0.15, spread=0.05, tail=0.01, tail_seconds=2.0, throttled=0.005, gone=0.005
)
SLOW = Conditions(seconds=0.5)
WAITING = "SELECT count(*) FROM timelines_fanout WHERE finished_at IS NULL"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, default=6_000_000, help="timeline rows that saturate (6,000,000)"
    )
    parser.add_argument("--follows", type=int, default=1_000_000, help="of others (1,000,000)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of 15 posts at once to each push service (3)"
    )
    parser.add_argument("--bursts", type=int, default=5, help="of 5,000 posts of others (5)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    # Otherwise the overload gauge would refuse posts, and it is not what is measured here.
    with opened(progress, OVERLOAD_PENDING_EVENTS="1000000") as environment:
        progress.stage(f"making {options.follows:,} follows")
        people = population.make(environment, options.follows)
        receiver = Receiver(environment.home, environment.environ["VAPID_PRIVATE_KEY"])
        with receiver.running(environment):
            try:
                progress.stage("starting all processes")
                environment.processes.start()
                environment.processes.wait_ready()
                measurement = Measurement(environment, receiver, people, progress)
                measurement.measure(options)
            finally:
                environment.processes.stop()
            receipts = receiver.receipts()
        progress.stage("decrypting what was received")
        return measurement.figures(receipts)


class Measurement:
    def __init__(
        self, environment: Environment, receiver: Receiver, people: Population, progress: Progress
    ) -> None:
        self._environment = environment
        self._people = people
        self._progress = progress
        self._connection = environment.connect()
        self._phases = Phases(environment, receiver, progress, FOLLOWERS)
        self._found: dict[str, list[Phase]] = {}
        self._cpu = 0.0
        self._limits: list[float] = []
        self._breakers: list[str] = []

    def measure(self, options: argparse.Namespace) -> None:
        self._run("warming up", FAST, 1)
        self._run("single", FAST, SINGLE_POSTS)
        for _ in range(options.rounds):
            self._limits.append(limit_per_cpu_s(self._phases.devices[0]))
            before = self._cpu_seconds()
            self._run("fast", FAST, POSTS_A_ROUND, at_once=True)
            self._cpu += self._cpu_seconds() - before
            self._run("real", REAL, POSTS_A_ROUND, at_once=True)
            self._run("slow", SLOW, POSTS_A_ROUND, at_once=True)
        self._run("real single", REAL, SINGLE_POSTS)
        for number in range(options.bursts):
            self._progress.stage(f"burst {number + 1} of {BURST_POSTS:,} posts of others")
            self._burst()
        with busy():
            self._run("starved", FAST, SINGLE_POSTS)
            self._breakers = openings(self._environment)
        self._saturate(options.rows)
        self._run("saturated", FAST, SINGLE_POSTS)
        with self._connection.cursor() as cursor:
            cursor.execute(WAITING)
            if not cursor.fetchone()[0]:
                raise ServerFailure("the timelines' workers had nothing to do: take more --rows")

    def figures(self, receipts: list[Receipt]) -> Figures:
        """Raises ServerFailure if a device could not decrypt a push."""
        report = decrypt_all(receipts, self._phases.devices)
        if report.faults:
            raise ServerFailure(f"{len(report.faults):,} pushes could not be read")
        rate = {
            name: median(phase.per_second(receipts) for phase in self._found[name])
            for name in ("fast", "real", "slow")
        }
        fast = sum(len(phase.receipts(receipts)) for phase in self._found["fast"])
        limit, single = median(self._limits), self._latencies("single", receipts)
        statuses = [r.status for phase in self._of("real") for r in phase.receipts(receipts)]
        bursts = [phase.latencies(receipts).p99 for phase in self._found["burst"]]
        return {
            "pushes_per_cpu_s": fast / self._cpu,
            "limit_per_cpu_s": limit,
            "ratio": fast / self._cpu / limit,
            "p50_s": single.p50,
            "p95_s": single.p95,
            "p99_s": single.p99,
            "saturated_p99_s": self._latencies("saturated", receipts).p99,
            "throughput_per_s": rate["fast"],
            "real_throughput_per_s": rate["real"],
            "real_throughput_ratio": rate["real"] / rate["fast"],
            "slow_throughput_ratio": rate["slow"] / rate["fast"],
            "real_p99_s": self._latencies("real single", receipts, refused=False).p99,
            "real_answered_429": statuses.count(429),
            "real_answered_410": statuses.count(410),
            "burst_p99_s": median(bursts),
            "burst_worst_p99_s": max(bursts),
            "starved_p99_s": self._latencies("starved", receipts).p99,
            "starved_breakers": len(self._breakers),
            "pushes_twice": twice(receipts),
            "load": os.getloadavg()[0],
            "pushes": len(report.opened),
        }

    def _run(self, name: str, conditions: Conditions, posts: int, *, at_once: bool = False) -> None:
        self._progress.stage(name)
        phase = self._phases.run(name, conditions, posts, at_once=at_once)
        self._found.setdefault(name, []).append(phase)

    def _of(self, name: str) -> list[Phase]:
        return [
            phase for key, found in self._found.items() if key.startswith(name) for phase in found
        ]

    def _latencies(
        self, name: str, receipts: list[Receipt], *, refused: bool = True
    ) -> Percentiles:
        (phase,) = self._found[name]
        return phase.latencies(receipts, refused=refused)

    def _burst(self) -> None:
        """Write many posts of others at once, as `bin/bench backlog --posts-a-second 5000` does,
        while an author keeps writing to a hundred devices."""
        audience, phase = self._phases.audience(BURST_DEVICES), Phase()
        rows = BURST_POSTS * FOLLOWERS + POSTS_AMID * BURST_DEVICES
        with (
            self._phases.conditions(FAST),
            pipeline.watched(self._connection, rows, self._progress),
        ):
            others = Thread(
                target=write_posts, args=(self._environment, self._people, BURST_POSTS, BURST_POSTS)
            )
            others.start()
            for _ in range(POSTS_AMID):
                post_id, at = audience.post()
                phase.answered[post_id] = at
                time.sleep(POST_SECONDS)
            others.join()
        self._phases.settle("burst", phase)
        self._found.setdefault("burst", []).append(phase)

    def _saturate(self, rows: int) -> None:
        """Give the timelines' workers a backlog of `rows` rows, of posts without push
        subscribers."""
        self._progress.stage(f"saturating the timelines' workers with {rows:,} rows")
        users = range(LOUD_AUTHORS + 1, LOUD_AUTHORS + 1 + CROWD)
        edges = ((user, author) for author in range(1, LOUD_AUTHORS + 1) for user in users)
        crowd = lab_population.load(self._environment, Graph.from_edges(edges), prefix="crowd")
        authors = [crowd.ids[author] for author in crowd.graph.authors]
        wanted = [authors[n % LOUD_AUTHORS] for n in range(rows // CROWD)]
        self._environment.ask("devtools.bench.inside", "posts", given=wanted)
        with self._connection.cursor() as cursor:
            cursor.execute("NOTIFY events_outbox")

    def _cpu_seconds(self) -> float:
        return sum(proc.cpu_seconds(self._environment.processes.pid(name)) for name in SENDERS)


def twice(receipts: list[Receipt]) -> int:
    """How many pushes were accepted more than once."""
    accepted = [(r.topic, r.token) for r in receipts if r.accepted]
    return len(accepted) - len(set(accepted))


@contextmanager
def busy() -> Iterator[None]:
    """Keep the CPU busy with two endless loops per core."""
    count = BUSY_LOOPS_A_CORE * (os.cpu_count() or 1)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def openings(environment: Environment) -> list[str]:
    """The push services whose circuit breakers opened in the last two minutes."""
    board = Board(environment.environ["REDIS_URL"])
    try:
        return list(board.openings() or ())
    finally:
        board.close()


def limit_per_cpu_s(device: Device) -> float:
    """Encryptions per CPU second, with the sender's own library and without any other work."""
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
        "ratio": at_least(0.40),
        "p99_s": at_most(1.0),
        "saturated_p99_s": at_most(5.0),
        "real_throughput_ratio": at_least(0.8),
        "slow_throughput_ratio": at_least(0.6),
        "real_p99_s": at_most(2.5),
        "burst_p99_s": at_most(5.0),
        "starved_p99_s": at_most(5.0),
        "starved_breakers": at_most(0),
        "pushes_twice": at_most(0),
    },
)
