"""Outcomes as a table for people, or as JSON lines for programs."""

import json
import textwrap
from collections.abc import Iterable

from devtools.faults.outcome import Outcome
from devtools.servers.server import Server

COLUMNS = (
    *("row", "passed", "seed", "lost", "duplicates", "unexpected", "recovered", "redeliveries"),
    *("dead_letters", "seconds_to_recover", "seconds_to_drain", "outbox_peak", "rows_found"),
)
HEADS = {
    "duplicates": "double",
    "unexpected": "unexp.",
    "redeliveries": "redeliv.",
    "dead_letters": "letters",
    "seconds_to_recover": "recover s",
    "seconds_to_drain": "drain s",
    "outbox_peak": "outbox",
    "rows_found": "rows",
}
WIDTH = 100


def servers(private: Iterable[Server]) -> str:
    """Such as "PostgreSQL 18.4, RabbitMQ 4.3.6"."""
    versions = {server.label: server.probe() for server in private}
    return ", ".join(f"{label} {version}" for label, version in versions.items() if version)


def json_line(outcome: Outcome) -> str:
    return json.dumps(outcome.as_dict(), default=str)


def head() -> str:
    return "  ".join(f"{HEADS.get(name, name):>9}" for name in COLUMNS)


def lines(outcome: Outcome) -> str:
    """One line of the table, followed by title, evidence and problems."""
    shown = outcome.as_dict()
    if outcome.skipped:
        shown["passed"] = "skipped"
    else:
        shown["passed"] = "yes" if outcome.passed else "NO"
    cells = [f"{'' if shown.get(name) is None else shown[name]:>9}" for name in COLUMNS]
    evidence = ", ".join(f"{name} {count:g}" for name, count in outcome.evidence.items())
    words = [f"{outcome.title}: {outcome.skipped or evidence or 'no evidence'}"]
    words += [f"- {problem}" for problem in shown["problems"]]
    indented = (textwrap.indent(textwrap.fill(word, WIDTH), " " * 11) for word in words)
    return "\n".join(["  ".join(cells), *indented])


def summary(outcomes: Iterable[Outcome]) -> str:
    outcomes = list(outcomes)
    failed = [str(o.scenario) for o in outcomes if not o.passed and not o.skipped]
    passed = sum(outcome.passed for outcome in outcomes)
    return f"{passed} of {len(outcomes)} passed" + (
        f"; failed: {' '.join(failed)}" if failed else ""
    )
