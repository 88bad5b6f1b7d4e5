"""bin/bench as a person calls it: figures beside what is required of them."""

import argparse
import json
import subprocess
from pathlib import Path

import pytest

from devtools.bench import fanout
from devtools.bench.__main__ import BENCHMARKS
from devtools.bench.benchmark import Benchmark, at_least, at_most

ROOT = Path(__file__).parents[3]


def measured(**required) -> Benchmark:
    return Benchmark("it", "", lambda parser: None, lambda options, progress: {}, required)


@pytest.mark.parametrize(
    ("figure", "bound", "met"),
    [
        (0.85, at_least(0.85), True),
        (0.84, at_least(0.85), False),
        (15, at_most(15), True),
        (15.1, at_most(15), False),
        (None, at_most(15), False),  # What was not measured does not pass.
    ],
)
def test_a_figure_that_misses_its_bound_is_named(figure, bound, met):
    assert (measured(ratio=bound).short({"ratio": figure}) == []) is met


def test_every_benchmark_has_options_and_bounds_for_figures():
    for name, benchmark in BENCHMARKS.items():
        benchmark.add_options(argparse.ArgumentParser())
        assert benchmark.name == name
        assert benchmark.summary
        assert benchmark.required


def test_each_contender_of_a_fan_out_has_its_ratio():
    rates = {name: 2.0 for name in fanout.SHARES}
    figures = fanout.figures(rates | {"ours": 3.0})
    assert figures == {
        "rows_per_s": 3.0,
        **{f"{name}_rows_per_s": 2.0 for name in rates},
        **{f"ratio_{name}": 1.5 for name in rates},
    }


def test_an_unknown_name_is_refused():
    done = subprocess.run(
        [ROOT / "bin/bench", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: 'nonsense'" in done.stderr


# Measurements as small as they can be, and the figures that each is asked for.
SMALL = {
    "api": (
        "--seconds 0.3",
        "timeline_requests_per_s timeline_p99_s timeline_ratio post_requests_per_s post_p99_s"
        " post_ratio",
    ),
    "backlog": (
        "--deliveries 100000 --rounds 2 --messages 2000 --follows 100000 --seconds 3",
        "drain_rows_per_s drain_ratio claim_ratio post_ratio draining_post_p99_s"
        " queued_push_p99_s missing_pushes web_mb relay_mb full_broker_mb",
    ),
    "day": ("--rows 50000 --follows 100000", "rows wrong_posts minutes bytes_a_row"),
    "fanout": (
        "--posts 100 --follows 100000 --rounds 1",
        "rows_per_s l1_rows_per_s l10_rows_per_s orm_rows_per_s redis_rows_per_s ratio_l1 ratio_l10"
        " ratio_l1_plain ratio_l10_plain ratio_orm ratio_redis",
    ),
    "latency": (
        "--seconds 3 --follows 100000",
        "visible_p50_s visible_p95_s visible_p99_s post_p50_s post_p95_s post_p99_s",
    ),
    "overhead": ("--posts 50 --follows 100000 --pairs 1", "overhead"),
    "push": ("--rows 2000000", "pushes_per_cpu_s limit_per_cpu_s ratio p99_s saturated_p99_s"),
    "read": (
        "--rows 1000000 --partitions 1 60",
        "ratio_ordinary_1m_1p ratio_ordinary_1m_60p ratio_muting_1m_60p ratio_dormant_1m_60p"
        " worst_ratio worst_muting_ratio",
    ),
}


# Whatever the size: nothing is lost, refused or wrong.
NONE = {"failed", "failed_posts", "waiting_failed_posts", "missing_pushes", "unseen", "wrong_posts"}


@pytest.mark.slow  # A whole measurement, though a small one: up to three minutes.
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_small_measurement_gives_every_figure(name):
    options, figures = SMALL[name]
    command = [ROOT / "bin/bench", name, "--json", *options.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    measured = json.loads(done.stdout)
    wanted = {*figures.split(), *BENCHMARKS[name].required}
    assert {
        figure for figure in wanted if not isinstance(measured.get(figure), float | int)
    } == set()
    assert {figure: measured[figure] for figure in NONE & measured.keys() if measured[figure]} == {}
    # The exit status tells whether every bound was reached, which a small run need not do.
    assert done.returncode in (0, 1)
