"""The outcome of a scenario, and whether it passed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from devtools.faults.oracle import Verdict
from devtools.lab.attempts import Attempts

MILLISECONDS = 1000


@dataclass
class Outcome:
    """`scenario` is a number or a name. `figures` are only shown. `evidence` must not contain a 0.
    `skipped` is the reason if the scenario was not run."""

    scenario: int | str
    title: str
    seed: int
    verdict: Verdict = field(default_factory=Verdict)
    poison: int = 0
    redeliveries: int = 0
    seconds_to_recover: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float | str | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def passed(self) -> bool:
        missed = not self.evidence or not all(self.evidence.values())
        return not (self.skipped or missed or self.problems or self.verdict.problems)

    def as_dict(self) -> dict:
        found = self.verdict
        return {
            "row": self.scenario,
            "title": self.title,
            "seed": self.seed,
            "lost": found.lost,
            "duplicates": found.duplicates,
            "unexpected": found.unexpected,
            "late": found.late,
            "recovered": found.recovered,
            "redeliveries": self.redeliveries,
            "dead_letters_expected": self.poison,
            "dead_letters": found.dead_letters,
            "seconds_to_recover": self.seconds_to_recover,
            "passed": self.passed,
            "rows_expected": found.rows_expected,
            "rows_found": found.rows_found,
            "surplus": found.surplus,
            **self.figures,
            "evidence": dict(self.evidence),
            "problems": [*self.problems, *found.problems],
            "skipped": self.skipped,
        }


def figures_of(attempts: Attempts, begun_at: float, ended_at: float) -> dict:
    """Figures of the load, with latencies in milliseconds: of the whole load, and of posts begun
    during the fault (`begun_at` to `ended_at`)."""
    rejected = sum((attempt.rejected for attempt in attempts), Counter())
    after = [a.accepted_at for a in attempts.accepted if a.accepted_at >= ended_at]
    every, during = attempts.latencies(), attempts.latencies(begun_at, ended_at)
    return {
        "attempted": len(attempts),
        "accepted": len(attempts.accepted),
        "rejected": rejected.total(),
        "failed": sum(attempt.failed for attempt in attempts),
        "errors_500": rejected[500],
        "downtime": round(ended_at - begun_at, 1),
        "seconds_to_first_success": round(min(after) - ended_at, 2) if after else None,
        **{
            f"post_{name}_ms": round((seconds or 0.0) * MILLISECONDS)
            for name, seconds in vars(every).items()
        },
        "post_p99_ms_in_fault": round((during.p99 or 0.0) * MILLISECONDS),
    }
