"""A scenario: a number, a title, and a function that breaks something."""

from collections.abc import Callable
from dataclasses import dataclass

from devtools.faults.run import Run

LIMIT_SECONDS = 90.0
# All posts accepted up to a fault's end must be delivered within this time after it.
RECOVERY_SECONDS = 30.0

Act = Callable[[Run], None]


@dataclass(frozen=True)
class Scenario:
    """`evidence` says what shows that the fault happened. `limit` bounds the whole run, and
    `recovery` the time from the fault's end until delivery is current, both in seconds. If the
    fault should delay nothing, `delay` is the number of seconds by which a post may miss the
    timelines' target."""

    number: int | str
    title: str
    evidence: str
    act: Act
    limit: float = LIMIT_SECONDS
    recovery: float = RECOVERY_SECONDS
    delay: float | None = None


SCENARIOS: dict[int, Scenario] = {}


def scenario(number: int, title: str, evidence: str, **bounds: float) -> Callable[[Act], Act]:
    """Declare the function below as a scenario; `bounds` are its limit, recovery and delay."""

    def declare(act: Act) -> Act:
        if number in SCENARIOS:
            raise ValueError(f"scenario {number} is declared twice")
        SCENARIOS[number] = Scenario(number, title, evidence, act, **bounds)
        return act

    return declare
