"""One row from its begin to its verdict: load, fault, drain, oracle."""

import os
import signal
import time
import traceback
from dataclasses import dataclass
from random import Random

import psycopg2

from devtools.faults import database, reading, rest
from devtools.faults.broker import STALE_SECONDS
from devtools.faults.declaration import Row
from devtools.faults.failure import Missed, Skipped
from devtools.faults.house import House
from devtools.faults.oracle import Verdict, judge
from devtools.faults.outcome import Outcome, figures_of
from devtools.faults.scene import Scene
from devtools.faults.watch import Watch
from devtools.servers.process import ServerFailure

TAIL_SECONDS = 3.0
DRAIN_SECONDS = 20.0  # At least, however long the fault took.
LOOK_SECONDS = 1.0
SAMPLE = 12
MEGABYTE = 1024 * 1024
# From a post's commit to its last slice, in seconds; and how many posts took longer than allowed.
DELIVERY = """
    SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99, 1.0]) WITHIN GROUP (ORDER BY seconds),
           count(*) FILTER (WHERE seconds > %(target)s)
    FROM (
        SELECT extract(epoch FROM max(written_at) - min(created_at))::float AS seconds
        FROM timelines_slicerecord slice JOIN social_post post ON post.id = slice.post_id
        WHERE post.id <> ALL(%(excepted)s)
        GROUP BY post.id
    ) AS delivery
"""


@dataclass
class Run:
    """One row on a house."""

    house: House
    row: Row
    seed: int

    def outcome(self) -> Outcome:
        outcome = Outcome(self.row.number, self.row.title, self.seed)
        self._begun_at = time.monotonic()
        self._empty()
        house = self.house
        watch = Watch(house.database_url, house.broker, house.processes).start()
        label = f"{self.row.number}.{self.seed}"
        scene = Scene(house, watch, Random(f"{self.seed} {self.row.number}"), label)
        try:
            self._act(scene, outcome)
            self._judge(scene, outcome)
        finally:
            if scene.load:
                scene.load.stop()
            scene.close()
            watch.stop()
        return outcome

    def _act(self, scene: Scene, outcome: Outcome) -> None:
        try:
            self.row.act(scene)
            if scene.load:
                time.sleep(TAIL_SECONDS)
        except Skipped as reason:
            outcome.skipped = str(reason)
        except (Missed, ServerFailure, OSError, psycopg2.Error) as failure:
            outcome.problems.append(f"{type(failure).__name__}: {failure}")
        except Exception as mistake:  # The row's own. The rows after it are run all the same.
            traceback.print_exc()
            outcome.problems.append(f"the row is broken: {mistake!r}")
        scene.tidy()
        if scene.load:
            scene.load.stop()

    def _judge(self, scene: Scene, outcome: Outcome) -> None:
        ended_at = time.monotonic()
        patience = max(self._begun_at + self.row.limit - ended_at, DRAIN_SECONDS)
        try:
            outcome.verdict, drained_at = self._drain(scene, ended_at + patience)
        finally:
            self._beat(signal.SIGCONT)
        attempts = scene.load.attempts if scene.load else []
        watch = scene.watch
        outcome.poison = scene.poison
        outcome.redeliveries = watch.redeliveries
        if "redeliveries" in scene.evidence:
            scene.evidence["redeliveries"] = watch.redeliveries
        outcome.evidence = scene.evidence
        if watch.current_after is not None:
            outcome.seconds_to_recover = round(watch.current_after, 1)
        outcome.problems += scene.demands
        after = outcome.seconds_to_recover
        if not outcome.skipped and (after is None or after > self.row.recovery):
            outcome.problems.append(f"delivery was current again after {after} s")
        (p50, p95, p99, longest), late = self._delivery(scene)
        if self.row.target is not None:
            words = f"posts took longer than {self.row.target:.0f} s to a timeline"
            outcome.verdict.note_count("late", late, f"{words}, at most {longest} s")
        outcome.figures = {
            **figures_of(attempts, scene.fault_began_at, scene.fault_ended_at),
            "delivery_p50_s": p50,
            "delivery_p95_s": p95,
            "delivery_p99_s": p99,
            "delivery_max_s": longest,
            "outbox_peak": watch.outbox_peak,
            "queue_peak": watch.queue_peak,
            "rss_peak_mb": watch.rss_peak // MEGABYTE,
            "seconds_to_drain": round(drained_at - ended_at, 1) if drained_at else None,
            "seconds": round(time.monotonic() - self._begun_at, 1),
            **scene.figures,
        }

    def _drain(self, scene: Scene, deadline: float) -> tuple[Verdict, float | None]:
        """Until the oracle is content, and after a while still is; else what it says at last.

        Once nothing but messages is left to complain of, the beat is halted: on a busy machine one
        of its own tasks would be in some queue at any moment.
        """
        content_at: float | None = None
        while True:
            verdict = self._ask(scene, sample=content_at is not None)
            halted = verdict.left == len(verdict.problems)
            self._beat(signal.SIGSTOP if halted else signal.SIGCONT)
            now = time.monotonic()
            if verdict.problems:
                content_at = None
                if now > deadline:
                    return verdict, None
            elif content_at is None:
                content_at = now
            elif now - content_at > STALE_SECONDS:
                return verdict, content_at
            time.sleep(STALE_SECONDS if content_at else LOOK_SECONDS)

    def _beat(self, number: signal.Signals) -> None:
        if pid := self.house.processes.pid("beat"):
            os.kill(pid, number)

    def _ask(self, scene: Scene, *, sample: bool) -> Verdict:
        house = self.house
        connection = scene.sql()
        found = rest.read(connection, house.broker.depths())
        if sample:
            users = scene.random.sample(range(house.graph.users), SAMPLE)
            found.shown = reading.shown(house.origin, house.population, users)
        return judge(
            found,
            scene.load.attempts if scene.load else [],
            house.population.subscribers,
            poison=scene.poison,
            reused=frozenset(scene.reused),
            old=scene.old,
        )

    def _delivery(self, scene: Scene) -> tuple[list[float | None], int]:
        target = float("inf") if self.row.target is None else self.row.target
        parameters = {"target": target, "excepted": sorted(scene.excepted)}
        found, late = database.query(scene.sql(), DELIVERY, parameters)[0]
        return [None if value is None else round(value, 2) for value in found or [None] * 4], late

    def _empty(self) -> None:
        connection = database.connect(self.house.database_url)
        database.empty(connection)
        self.house.population.relate(connection)
        connection.close()
