"""What a row of the table is: a number, a title, and a function that breaks something."""

from collections.abc import Callable
from dataclasses import dataclass

from devtools.faults.scene import Scene

LIMIT_SECONDS = 90.0
# How soon after a fault's end all that was accepted until then must have been delivered.
RECOVERY_SECONDS = 30.0


@dataclass(frozen=True)
class Row:
    """`evidence` says by what it is seen that the fault hit; `limit` bounds the whole row, and
    `recovery` the time from the fault's end until delivery is current, both in seconds. Where the
    fault should delay nobody, no post may take more than `target` seconds to its timelines."""

    number: int | str
    title: str
    evidence: str
    act: Callable[[Scene], None]
    limit: float = LIMIT_SECONDS
    recovery: float = RECOVERY_SECONDS
    target: float | None = None


ROWS: dict[int, Row] = {}


def row(
    number: int,
    title: str,
    evidence: str,
    *,
    limit: float = LIMIT_SECONDS,
    recovery: float = RECOVERY_SECONDS,
    target: float | None = None,
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Declares the function below it, which gets a Scene, as a row."""

    def declare(act: Callable[[Scene], None]) -> Callable[[Scene], None]:
        if number in ROWS:
            raise ValueError(f"row {number} is declared twice")
        ROWS[number] = Row(number, title, evidence, act, limit, recovery, target)
        return act

    return declare
