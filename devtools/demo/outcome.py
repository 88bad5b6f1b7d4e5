"""The outcome of a run as a table and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from devtools.demo.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """The verdict, the servers' names with versions, and the seconds of the whole run."""

    verdict: Verdict
    broker: str
    database: str
    seconds: float

    def to_json(self) -> str:
        verdict = self.verdict
        return json.dumps(
            {
                "posts": verdict.posts,
                "expected_rows": verdict.rows.expected,
                "rows": verdict.rows.found,
                "missing": verdict.missing,
                "duplicates": verdict.duplicates,
                "pushes_expected": verdict.pushes.expected,
                "pushes": verdict.pushes.found,
                "analytics_events": verdict.events.found,
                "timeline_p50_s": rounded(verdict.timeline.p50),
                "timeline_p99_s": rounded(verdict.timeline.p99),
                "push_p50_s": rounded(verdict.push.p50),
                "push_p99_s": rounded(verdict.push.p99),
                "rows_per_s": round(verdict.rows_per_s),
                "broker": self.broker,
                "database": self.database,
                "seconds": round(self.seconds, 1),
                **verdict.mixed,
            }
        )

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        verdict = self.verdict
        for label, number in (
            ("posts", verdict.posts),
            ("timeline rows expected", verdict.rows.expected),
            ("timeline rows found", verdict.rows.found),
            ("pushes expected", verdict.pushes.expected),
            ("pushes received", verdict.pushes.found),
            *([("pushes that came again", verdict.repeats)] if verdict.repeats else []),
            ("analytics events", verdict.events.found),
            *((name.replace("_", " "), number) for name, number in verdict.mixed.items()),
            ("missing", verdict.missing),
            ("duplicate", verdict.duplicates),
            ("rows a second", round(verdict.rows_per_s)),
        ):
            yield f"  {label:<24}{number:>24,}"
        yield f"  {'latency in seconds':<24}{'p50':>8}{'p95':>8}{'p99':>8}"
        for label, times in (
            ("post to timelines", verdict.timeline),
            ("post to push", verdict.push),
        ):
            shown = (shortened(seconds) for seconds in (times.p50, times.p95, times.p99))
            yield f"  {label:<24}" + "".join(f"{text:>8}" for text in shown)
        yield f"  {self.broker}, {self.database}; {self.seconds:.0f} s in all"
        yield from (f"  {note}" for note in verdict.notes)


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def shortened(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"
