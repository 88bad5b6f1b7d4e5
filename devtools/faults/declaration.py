"""What a scenario is: a number, a title, and a function that breaks something."""

from collections.abc import Callable
from dataclasses import dataclass

from devtools.faults.run import Run

LIMIT_SECONDS = 90.0
# How soon after a fault's end all that was accepted until then must have been delivered.
RECOVERY_SECONDS = 30.0

Act = Callable[[Run], None]


@dataclass(frozen=True)
class Scenario:
    """`evidence` says by what it is seen that the fault hit; `limit` bounds the whole run, and
    `recovery` the time from the fault's end until delivery is current, both in seconds. Where the
    fault should delay nobody, `delay` is by how many seconds a post may miss the target of the
    timelines."""

    number: int | str
    title: str
    evidence: str
    act: Act
    limit: float = LIMIT_SECONDS
    recovery: float = RECOVERY_SECONDS
    delay: float | None = None


SCENARIOS: dict[int, Scenario] = {}


def scenario(number: int, title: str, evidence: str, **bounds: float) -> Callable[[Act], Act]:
    """Declares the function below it as a scenario; `bounds` are its limit, recovery and delay."""

    def declare(act: Act) -> Act:
        if number in SCENARIOS:
            raise ValueError(f"scenario {number} is declared twice")
        SCENARIOS[number] = Scenario(number, title, evidence, act, **bounds)
        return act

    return declare
