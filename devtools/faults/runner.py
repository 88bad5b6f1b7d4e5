"""Runs one scenario from start to verdict: load, fault, drain, oracle."""

import asyncio
import os
import signal
import time
import traceback
from contextlib import closing
from dataclasses import dataclass
from random import Random

import psycopg2

from devtools.faults import final_state
from devtools.faults.broker import STALE_SECONDS
from devtools.faults.declaration import Scenario
from devtools.faults.environment import FaultsEnvironment
from devtools.faults.failure import Missed, Skipped
from devtools.faults.oracle import Verdict, judge
from devtools.faults.outcome import Outcome, figures_of
from devtools.faults.readers import shown
from devtools.faults.run import Run
from devtools.faults.watch import Watch
from devtools.lab.attempts import Attempts
from devtools.lab.database import DELIVERED, empty, query
from devtools.servers.process import ServerFailure

# Posts, everything that posts fill, and devices. Users, tokens and the reconciler's positions stay.
EMPTIED = (
    *DELIVERED,
    *("social_post", "social_idempotencykey", "social_block"),
    *("notifications_pushsubscription", "notifications_preference"),
    "django_celery_results_taskresult",
)
TAIL_SECONDS = 3.0
DRAIN_SECONDS = 20.0  # at least this long, even if the fault took longer than planned
POLL_SECONDS = 1.0
SAMPLE = 12
MEGABYTE = 1024 * 1024
# Seconds from a post's commit to its last slice, and how many posts took longer than allowed.
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
class Runner:
    environment: FaultsEnvironment
    scenario: Scenario
    seed: int

    def outcome(self) -> Outcome:
        scenario, environment = self.scenario, self.environment
        outcome = Outcome(scenario.number, scenario.title, self.seed)
        self._begun_at = time.monotonic()
        with closing(environment.connect()) as connection:
            empty(connection, *EMPTIED)
            environment.people.relate(connection)
        watch = Watch(environment).start()
        label = f"{scenario.number}.{self.seed}"
        run = Run(environment, watch, Random(f"{self.seed} {scenario.number}"), label)
        try:
            self._act(run, outcome)
            self._judge(run, outcome)
        finally:
            if run.load:
                run.load.stop()
            run.close()
            watch.stop()
        return outcome

    def _act(self, run: Run, outcome: Outcome) -> None:
        try:
            self.scenario.act(run)
            if run.load:
                time.sleep(TAIL_SECONDS)
        except Skipped as reason:
            outcome.skipped = str(reason)
        except (Missed, ServerFailure, OSError, psycopg2.Error) as failure:
            outcome.problems.append(f"{type(failure).__name__}: {failure}")
        except Exception as mistake:  # A bug of the scenario. The other scenarios run all the same.
            traceback.print_exc()
            outcome.problems.append(f"the scenario is broken: {mistake!r}")
        run.restore_everything()
        if run.load:
            run.load.stop()

    def _judge(self, run: Run, outcome: Outcome) -> None:
        ended_at = time.monotonic()
        left = max(self._begun_at + self.scenario.limit - ended_at, DRAIN_SECONDS)
        try:
            outcome.verdict, drained_at = self._drain(run, ended_at + left)
        finally:
            self._beat(signal.SIGCONT)
        attempts = run.load.attempts if run.load else Attempts()
        watch = run.watch
        outcome.poison = run.poison
        outcome.redeliveries = watch.redeliveries
        if "redeliveries" in run.evidence:
            run.evidence["redeliveries"] = watch.redeliveries
        outcome.evidence = run.evidence
        if watch.current_after is not None:
            outcome.seconds_to_recover = round(watch.current_after, 1)
        outcome.problems += run.demands
        after = outcome.seconds_to_recover
        if not outcome.skipped and (after is None or after > self.scenario.recovery):
            outcome.problems.append(f"delivery was current again after {after} s")
        delay = self.scenario.delay
        target = float("inf") if delay is None else run.people.target + delay
        (p50, p95, p99, longest), late = self._delivery(run, target)
        words = f"posts took longer than {target:.0f} s to a timeline, at most {longest} s"
        outcome.verdict.note_count("late", late, words)
        outcome.figures = {
            **figures_of(attempts, run.fault_began_at, run.fault_ended_at),
            "delivery_p50_s": p50,
            "delivery_p95_s": p95,
            "delivery_p99_s": p99,
            "delivery_max_s": longest,
            "outbox_peak": watch.outbox_peak,
            "queue_peak": watch.queue_peak,
            "rss_peak_mb": watch.rss_peak // MEGABYTE,
            "seconds_to_drain": round(drained_at - ended_at, 1) if drained_at else None,
            "seconds": round(time.monotonic() - self._begun_at, 1),
            **run.figures,
        }

    def _drain(self, run: Run, deadline: float) -> tuple[Verdict, float | None]:
        """Wait until the oracle finds nothing, and still finds nothing a while later; otherwise
        return its last verdict at the deadline.

        Beat is stopped once only messages in queues are left to complain about: on a busy machine,
        one of its own tasks would always be in some queue.
        """
        content_at: float | None = None
        while True:
            verdict = self._ask(run, sample=content_at is not None)
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
            time.sleep(STALE_SECONDS if content_at else POLL_SECONDS)

    def _beat(self, number: signal.Signals) -> None:
        if pid := self.environment.processes.pid("beat"):
            os.kill(pid, number)

    def _ask(self, run: Run, *, sample: bool) -> Verdict:
        people = run.people
        found = final_state.read(run.connect(), run.broker.depths())
        if sample:
            users = run.random.sample(list(people.graph.users), SAMPLE)
            found.shown = asyncio.run(shown(self.environment.origin, people, users))
        return judge(
            found,
            run.load.attempts if run.load else [],
            people.subscribers,
            poison=run.poison,
            reused=frozenset(run.reused),
            old=run.old,
        )

    def _delivery(self, run: Run, target: float) -> tuple[list[float | None], int]:
        parameters = {"target": target, "excepted": sorted(run.excepted)}
        found, late = query(run.connect(), DELIVERY, parameters)[0]
        return [None if value is None else round(value, 2) for value in found or [None] * 4], late
