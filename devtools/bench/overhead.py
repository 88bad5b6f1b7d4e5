"""bin/bench overhead: the CPU time of a fan-out with and without metrics and tracing, in
interleaved pairs."""

import argparse
import shutil
from statistics import median

from devtools.bench import pipeline, population
from devtools.bench.benchmark import Benchmark, Figures, at_most
from devtools.bench.environment import opened
from devtools.bench.population import FOLLOWERS
from devtools.lab.environment import STATE, Environment
from devtools.lab.population import Population
from devtools.lab.progress import Progress

# As in production, each process writes a file per figure.
SHARED = STATE / "bench" / "metrics"
VARIANTS = {
    "observed": {"PROMETHEUS_MULTIPROC_DIR": str(SHARED)},
    "unobserved": {"DJANGO_SETTINGS_MODULE": "devtools.bench.unobserved_settings"},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--posts", type=int, default=1_000, help="a run, of 1,000 rows each")
    parser.add_argument("--follows", type=int, default=1_000_000, help="rows (1,000,000)")
    parser.add_argument("--pairs", type=int, default=10, help="of runs (10)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    spent: list[tuple[float, float]] = []
    with opened(progress) as environment:
        people = population.make(environment, options.follows)
        for number in range(options.pairs):
            progress.stage(f"pair {number + 1} of {options.pairs}; so far {spent}")
            # The two variants take turns at going first.
            found = {}
            for variant in sorted(VARIANTS, reverse=bool(number % 2)):
                environment.processes.environ = environment.environ | VARIANTS[variant]
                found[variant] = cpu(environment, people, options.posts, progress)
            spent.append((found["observed"], found["unobserved"]))
    return figures(spent)


def cpu(environment: Environment, people: Population, posts: int, progress: Progress) -> float:
    """CPU seconds of all processes and servers for a million rows."""
    shutil.rmtree(SHARED, ignore_errors=True)
    SHARED.mkdir()
    spent = pipeline.fan_out(environment, people, posts, progress).cpu
    return round(sum(spent.values()) * 1_000_000 / (posts * FOLLOWERS), 2)


def figures(spent: list[tuple[float, float]]) -> Figures:
    """The median of the pairs' ratios, with bounds: with ten pairs the true median lies between the
    second smallest and the second largest ratio with a probability of 0.98."""
    ratios = sorted(observed / bare for observed, bare in spent)
    return {
        "cpu_s_per_million_rows": median(observed for observed, _ in spent),
        "unobserved_cpu_s_per_million_rows": median(bare for _, bare in spent),
        "overhead": median(ratios),
        "overhead_low": ratios[1] if len(ratios) > 2 else ratios[0],
        "overhead_high": ratios[-2] if len(ratios) > 2 else ratios[-1],
    }


BENCHMARK = Benchmark(
    name="overhead",
    summary="the CPU time of metrics and tracing in a fan-out",
    add_options=add_options,
    run=run,
    required={"overhead": at_most(1.05)},
)
