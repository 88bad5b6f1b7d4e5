"""bin/demo: start Connectify, post as real users, and compare every timeline with the follower
graph.

Exit status: 0 if nothing is missing or doubled, 1 if something is or the run failed, 2 for a broken
graph file or a wrong argument, 3 if the run would disturb another one.
"""

import argparse
import sys
from contextlib import suppress
from math import isfinite
from pathlib import Path

import psycopg2

from devtools.demo.graph_file import read_graph
from devtools.demo.plan import Plan
from devtools.demo.run import Options, run
from devtools.lab import interruption
from devtools.lab.graph import Graph, GraphError
from devtools.lab.progress import Progress
from devtools.lab.random_graph import generate_graph
from devtools.servers.process import ServerFailure

BROKEN_INPUT = 2
INTERRUPTED = 130


def whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def positive(text: str) -> float:
    with suppress(ValueError):
        if isfinite(number := float(text)) and number > 0:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument(
        "--graph", type=Path, metavar="FILE", help="'follower followee' lines, gzip or not"
    )
    parser.add_argument("--posts", type=whole, default=200, metavar="N", help="how many (200)")
    parser.add_argument(
        "--rate", type=positive, default=10.0, metavar="R", help="posts a second (10)"
    )
    parser.add_argument(
        "--json", action="store_true", help="the result as JSON, the last line of standard output"
    )
    parser.add_argument(
        "--mixed",
        action="store_true",
        help="meanwhile follow, unfollow, delete, and stay away; large audiences are smaller",
    )
    parser.add_argument(
        "--chaos",
        action="store_true",
        help="meanwhile kill two workers, the relay and this clone's broker, and start them again",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    return parser.parse_args(arguments)


def read(path: Path | None, progress: Progress) -> Graph:
    graph = read_graph(path) if path else generate_graph()
    progress.stage(
        f"{path.name if path else 'a graph drawn at random'}: {graph.user_count:,} users,"
        f" {graph.follow_count:,} follows, {len(graph.followers_of(graph.most_followed())):,} of"
        " them of one user"
    )
    return graph


def main() -> int:
    given = parse_arguments()
    interruption.as_ctrl_c()
    progress = Progress(sys.stderr if given.json else sys.stdout)
    try:
        plan = Plan.draw(read(given.graph, progress), given.posts, mixed=given.mixed)
        options = Options(given.rate, given.json, given.keep, given.chaos)
        passed = run(plan, options, progress)
        return 0 if passed else 1
    except GraphError as error:
        return fail(error, BROKEN_INPUT)
    except ServerFailure as failure:
        return fail(failure, failure.exit_code)
    except (psycopg2.OperationalError, OSError) as error:
        return fail(f"a server went away ({str(error).strip()}): see bin/services status", 1)
    except KeyboardInterrupt:
        return INTERRUPTED


def fail(why: object, status: int) -> int:
    print(f"bin/demo: {why}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
