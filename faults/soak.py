"""Random faults every 20 to 60 s under steady load, for as long as one likes.

In rounds: each ends with a drain and the oracle, so that a loss is found near its cause.
"""

import signal
import time
from collections.abc import Callable, Iterator
from random import Random

from faults.declaration import Row
from faults.house import House
from faults.outcome import Outcome
from faults.rows.broker import kill_and_start
from faults.running import Run
from faults.scene import Scene
from stack.processes import EVENT_CONSUMERS, WORKERS

ROUND_SECONDS = 240.0
PAUSES = (20.0, 60.0)
RATE = 8.0
DRAIN_SECONDS = 120.0
KILLED = ("web", "relay", "beat", *EVENT_CONSUMERS, *WORKERS)


def kill_a_process(scene: Scene) -> None:
    name = scene.random.choice(KILLED)
    scene.kill(name)
    scene.start(name)


def freeze_a_process(scene: Scene) -> None:
    name = scene.random.choice(KILLED)
    scene.send(name, signal.SIGSTOP)
    time.sleep(scene.random.uniform(2, 8))
    scene.send(name, signal.SIGCONT)


def stop_the_database(scene: Scene) -> None:
    scene.house.postgres.process.terminate(signal.SIGQUIT, 10)
    scene.bring_back(scene.house.postgres)


def kill_the_cache(scene: Scene) -> None:
    scene.house.valkey.kill()
    scene.bring_back(scene.house.valkey)


def close_connections(scene: Scene) -> None:
    scene.house.rabbitmq.ctl("close_all_connections", "a fault")


FAULTS: tuple[Callable[[Scene], None], ...] = (
    *(kill_a_process, kill_a_process, freeze_a_process, kill_and_start),
    *(stop_the_database, kill_the_cache, close_connections),
)


def soak(house: House, minutes: float, seed: int) -> Iterator[Outcome]:
    """An outcome for each round."""
    random = Random(seed)
    ends_at = time.monotonic() + minutes * 60
    number = 0
    while (left := ends_at - time.monotonic()) > 0:
        number += 1
        row = _round(number, min(left, ROUND_SECONDS))
        outcome = Run(house, row, random.randrange(2**32)).outcome()
        yield outcome
        if not outcome.passed:
            house.renew()


def _round(number: int, seconds: float) -> Row:
    def act(scene: Scene) -> None:
        ends_at = time.monotonic() + seconds
        scene.begin_load(rate=RATE)
        while (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(scene.random.uniform(*PAUSES), left))
            fault = scene.random.choice(FAULTS)
            with scene.fault():
                fault(scene)
            scene.count(fault.__name__)

    limit = seconds + DRAIN_SECONDS
    return Row(f"round {number}", f"random faults, {seconds:.0f} s", "faults", act, limit)
