"""Random faults every 20 to 60 s under steady load, for a given time.

It runs in rounds. Each ends with a drain and the oracle, so that a loss is found near its cause.
"""

import signal
import time
from collections.abc import Callable, Iterator
from random import Random

from devtools.faults.declaration import Scenario
from devtools.faults.environment import FaultsEnvironment
from devtools.faults.outcome import Outcome
from devtools.faults.run import Run
from devtools.faults.runner import Runner
from devtools.faults.scenarios.broker import kill_and_start
from devtools.processes import EVENT_CONSUMERS, WORKERS

ROUND_SECONDS = 240.0
PAUSES = (20.0, 60.0)
RATE = 8.0
DRAIN_SECONDS = 120.0
KILLED = ("web", "relay", "beat", *EVENT_CONSUMERS, *WORKERS)


def kill_a_process(run: Run) -> None:
    name = run.random.choice(KILLED)
    run.kill(name)
    run.start(name)


def freeze_a_process(run: Run) -> None:
    name = run.random.choice(KILLED)
    run.send(name, signal.SIGSTOP)
    time.sleep(run.random.uniform(2, 8))
    run.send(name, signal.SIGCONT)


def stop_the_database(run: Run) -> None:
    run.postgres.process.terminate(signal.SIGQUIT, 10)
    run.bring_back(run.postgres)


def kill_the_cache(run: Run) -> None:
    run.valkey.kill()
    run.bring_back(run.valkey)


def close_connections(run: Run) -> None:
    run.rabbitmq.ctl("close_all_connections", "a fault")


FAULTS: tuple[Callable[[Run], None], ...] = (
    *(kill_a_process, kill_a_process, freeze_a_process, kill_and_start),
    *(stop_the_database, kill_the_cache, close_connections),
)


def soak(environment: FaultsEnvironment, minutes: float, seed: int) -> Iterator[Outcome]:
    """Yield an outcome for each round."""
    random = Random(seed)
    ends_at = time.monotonic() + minutes * 60
    number = 0
    while (left := ends_at - time.monotonic()) > 0:
        number += 1
        scenario = _round(number, min(left, ROUND_SECONDS))
        outcome = Runner(environment, scenario, random.randrange(2**32)).outcome()
        yield outcome
        if not outcome.passed:
            environment.renew()


def _round(number: int, seconds: float) -> Scenario:
    def act(run: Run) -> None:
        ends_at = time.monotonic() + seconds
        run.begin_load(rate=RATE)
        while (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(run.random.uniform(*PAUSES), left))
            fault = run.random.choice(FAULTS)
            with run.fault():
                fault(run)
            run.count(fault.__name__)

    limit = seconds + DRAIN_SECONDS
    return Scenario(f"round {number}", f"random faults, {seconds:.0f} s", "faults", act, limit)
