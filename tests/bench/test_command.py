"""bin/bench as a person calls it: figures beside what is required of them."""

import argparse
import json
import subprocess
from pathlib import Path

import pytest

from bench.__main__ import BENCHMARKS
from bench.benchmark import Benchmark, at_least, at_most

ROOT = Path(__file__).parents[2]


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


def test_an_unknown_name_is_refused():
    done = subprocess.run(
        [ROOT / "bin/bench", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: 'nonsense'" in done.stderr


@pytest.mark.slow  # A whole measurement, though a small one: a minute.
def test_a_small_fan_out_is_measured_to_the_last_row():
    command = [ROOT / "bin/bench", "fanout", "--json"]
    options = ["--posts", "100", "--follows", "100000", "--rounds", "1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    figures = json.loads(done.stdout)
    assert figures["rows_per_s"] > 0
    assert figures["ratio_l1"] == pytest.approx(figures["rows_per_s"] / figures["l1_rows_per_s"])
    # The exit status tells whether every bound was reached, which a small run need not do.
    assert done.returncode in (0, 1)
