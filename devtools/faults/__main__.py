"""bin/faults: break Connectify in known ways under load, and prove that nothing is lost or doubled.

Exit status: 0 if all rows passed, 1 if one did not or the harness could not run, 2 for a wrong
argument, 3 where another run has the servers, 130 after Ctrl-C.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random

from devtools.faults import report
from devtools.faults.declaration import Row
from devtools.faults.failure import HarnessFailure
from devtools.faults.graph import draw
from devtools.faults.house import House
from devtools.faults.outcome import Outcome
from devtools.faults.proofs import PROOFS
from devtools.faults.rows import ROWS
from devtools.faults.running import Run
from devtools.faults.soak import soak
from devtools.lab import interruption
from devtools.servers.process import ServerFailure

INTERRUPTED = 130


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the rows, and by what each is seen to have hit")
    run = commands.add_parser("run", help="run rows by their numbers")
    run.add_argument("rows", type=int, nargs="*", metavar="ROW")
    run.add_argument("--all", action="store_true", help="every row there is")
    long = commands.add_parser("soak", help="random faults under steady load")
    long.add_argument("--minutes", type=float, default=60.0)
    prove = commands.add_parser("prove", help="switch guards off: each of these runs must fail")
    for command in (run, long, prove):
        command.add_argument("--seed", type=int, default=1, help="of everything random (1)")
        command.add_argument("--json", action="store_true", help="one JSON object a row")
    given = parser.parse_args(arguments)
    if given.command == "run":
        if bool(given.rows) == given.all:
            parser.error("give the numbers of rows, or --all")
        if unknown := set(given.rows) - ROWS.keys():
            parser.error(f"there is no row {min(unknown)}: see bin/faults list")
    return given


def print_list() -> None:
    for number, row in sorted(ROWS.items()):
        print(f"{number:>3}  {row.title} [{row.evidence}; at most {row.limit:.0f} s]")


def run_rows(house: House, rows: Sequence[Row], seed: int) -> Iterator[Outcome]:
    for place, row in enumerate(rows):
        outcome = Run(house, row, seed).outcome()
        yield outcome
        if not (outcome.passed or outcome.skipped) and place + 1 < len(rows):
            house.renew()


def tell(outcomes: Iterable[Outcome], as_json: bool, good: Callable[[Outcome], bool]) -> bool:
    """Print each outcome as it comes; whether all were as they should be."""
    if not as_json:
        print(report.head(), flush=True)
    known = []
    for outcome in outcomes:
        known.append(outcome)
        print(report.json_line(outcome) if as_json else report.lines(outcome), flush=True)
    print(report.summary(known), file=sys.stderr if as_json else sys.stdout)
    return all(map(good, known))


def fails_as_it_must(outcome: Outcome) -> bool:
    return not outcome.passed and getattr(outcome.verdict, PROOFS[outcome.row].kind) > 0


def act(given: argparse.Namespace) -> bool:
    with House().open(draw(Random(given.seed))) as house:
        if given.command == "soak":
            outcomes = soak(house, given.minutes, given.seed)
            return tell(outcomes, given.json, lambda outcome: outcome.passed)
        if given.command == "prove":
            rows = [proof.row for proof in PROOFS.values()]
            return tell(run_rows(house, rows, given.seed), given.json, fails_as_it_must)
        rows = [ROWS[number] for number in (sorted(ROWS) if given.all else given.rows)]
        outcomes = run_rows(house, rows, given.seed)
        return tell(outcomes, given.json, lambda outcome: outcome.passed or bool(outcome.skipped))


def main() -> int:
    given = parse_arguments()
    if given.command == "list":
        print_list()
        return 0
    interruption.as_ctrl_c()
    try:
        return 0 if act(given) else 1
    except (HarnessFailure, ServerFailure) as failure:
        print(f"bin/faults: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
