"""bin/faults: break Connectify in known ways under load, and check that nothing is lost or doubled.

Exit status: 0 if all scenarios passed, 1 if one did not or the harness could not run, 2 for a wrong
argument, 3 if another run is using the servers, 130 after Ctrl-C.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from devtools.faults import report
from devtools.faults.declaration import Scenario
from devtools.faults.environment import FaultsEnvironment
from devtools.faults.outcome import Outcome
from devtools.faults.proofs import PROOFS
from devtools.faults.runner import Runner
from devtools.faults.scenarios import SCENARIOS
from devtools.faults.soak import soak
from devtools.lab import interruption
from devtools.servers.process import ServerFailure
from devtools.servers.rabbitmq_releases import NAMES

INTERRUPTED = 130


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "list", help="list the scenarios, with the evidence that each fault happened"
    )
    run = commands.add_parser("run", help="run scenarios by their numbers")
    run.add_argument("rows", type=int, nargs="*", metavar="NUMBER")
    run.add_argument("--all", action="store_true", help="all scenarios")
    long = commands.add_parser("soak", help="random faults under steady load")
    long.add_argument("--minutes", type=float, default=60.0)
    prove = commands.add_parser("prove", help="switch guards off: each of these runs must fail")
    for command in (run, long, prove):
        command.add_argument("--seed", type=int, default=1, help="seed of all random choices (1)")
        command.add_argument(
            "--json", action="store_true", help="print one JSON object per scenario"
        )
        command.add_argument("--rabbitmq", choices=NAMES, default="", help="RabbitMQ's version")
    given = parser.parse_args(arguments)
    if given.command == "run":
        if bool(given.rows) == given.all:
            parser.error("give the numbers of scenarios, or --all")
        if unknown := set(given.rows) - SCENARIOS.keys():
            parser.error(f"there is no scenario {min(unknown)}: see bin/faults list")
    return given


def print_list() -> None:
    for number, it in sorted(SCENARIOS.items()):
        print(f"{number:>3}  {it.title} [{it.evidence}; at most {it.limit:.0f} s]")


def run_each(
    environment: FaultsEnvironment, scenarios: Sequence[Scenario], seed: int
) -> Iterator[Outcome]:
    for place, scenario in enumerate(scenarios):
        outcome = Runner(environment, scenario, seed).outcome()
        yield outcome
        if not (outcome.passed or outcome.skipped) and place + 1 < len(scenarios):
            environment.renew()


def show(outcomes: Iterable[Outcome], as_json: bool, good: Callable[[Outcome], bool]) -> bool:
    """Print each outcome as it comes; return True if `good` holds for all of them."""
    if not as_json:
        print(report.head(), flush=True)
    known = []
    for outcome in outcomes:
        known.append(outcome)
        print(report.json_line(outcome) if as_json else report.lines(outcome), flush=True)
    print(report.summary(known), file=sys.stderr if as_json else sys.stdout)
    return all(map(good, known))


def fails_as_it_must(outcome: Outcome) -> bool:
    return not outcome.passed and getattr(outcome.verdict, PROOFS[outcome.scenario].kind) > 0


def act(given: argparse.Namespace) -> bool:
    with FaultsEnvironment(given.seed, given.rabbitmq).open() as environment:
        say = sys.stderr if given.json else sys.stdout
        print(report.servers(environment.services.private), file=say, flush=True)
        if given.command == "soak":
            outcomes = soak(environment, given.minutes, given.seed)
            return show(outcomes, given.json, lambda outcome: outcome.passed)
        if given.command == "prove":
            scenarios = [proof.scenario for proof in PROOFS.values()]
            outcomes = run_each(environment, scenarios, given.seed)
            return show(outcomes, given.json, fails_as_it_must)
        numbers = sorted(SCENARIOS) if given.all else given.rows
        outcomes = run_each(environment, [SCENARIOS[number] for number in numbers], given.seed)
        return show(outcomes, given.json, lambda outcome: outcome.passed or bool(outcome.skipped))


def main() -> int:
    given = parse_arguments()
    if given.command == "list":
        print_list()
        return 0
    interruption.as_ctrl_c()
    try:
        return 0 if act(given) else 1
    except ServerFailure as failure:
        print(f"bin/faults: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
