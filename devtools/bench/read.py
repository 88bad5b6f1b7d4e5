"""bin/bench read: compare pages of home timelines with the same SQL by hand, in the database alone,
with few and many rows in few and many partitions."""

import argparse
from contextlib import closing
from statistics import median

from devtools.bench import owners
from devtools.bench.benchmark import Benchmark, Figures, at_most
from devtools.bench.environment import opened
from devtools.lab.environment import Environment
from devtools.lab.progress import Progress

ASKED = 20  # owners of each kind
PAGES = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000, 50_000_000])
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 60, 3_000])


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    found: Figures = {}
    with (
        opened(progress) as environment,
        closing(environment.connect()) as connection,
        connection.cursor() as cursor,
    ):
        progress.stage("making users and posts")
        owners.make(cursor)
        for rows in options.rows:
            owners.follow(cursor, rows)
            for count in options.partitions:
                progress.stage(f"writing {rows:,} rows into {count:,} partitions")
                size = owners.POSTS // count
                owners.fill(cursor, size, progress)
                progress.stage("reading")
                for kind, ids in owners.KINDS.items():
                    pages = measure(environment, ids[:: max(len(ids) // ASKED, 1)], size)
                    found |= figures(f"{kind}_{rows // 1_000_000}m_{count}p", pages)
    return found | {"worst_ratio": worst(found), "worst_muting_ratio": worst(found, "muting")}


def measure(environment: Environment, asked: range, size: int) -> list[tuple[float, float, int]]:
    """(our milliseconds, milliseconds by hand, number of our statements) for each page."""
    given = {"owners": list(asked), "pages": PAGES}
    return environment.ask("devtools.bench.pages", given=given, PARTITION_POSTS=str(size))


def figures(name: str, pages: list[tuple[float, float, int]]) -> Figures:
    ours, hand = median(page[0] for page in pages), median(page[1] for page in pages)
    return {
        f"ours_ms_{name}": ours,
        f"hand_ms_{name}": hand,
        f"statements_{name}": max(page[2] for page in pages),
        f"ratio_{name}": ours / hand,
    }


def worst(found: Figures, *kinds: str) -> float:
    """The worst ratio of these kinds, by default of all but the muting. SQL by hand knows how many
    rows it must read to fill a muting owner's page, and ours does not."""
    names = tuple(f"ratio_{kind}_" for kind in kinds or owners.KINDS.keys() - {"muting"})
    return max(figure for name, figure in found.items() if name.startswith(names))


BENCHMARK = Benchmark(
    name="read",
    summary="pages of timelines, beside the same SQL by hand",
    add_options=add_options,
    run=run,
    required={"worst_ratio": at_most(1.5)},
)
