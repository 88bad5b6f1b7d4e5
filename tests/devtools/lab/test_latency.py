"""Percentiles by nearest rank."""

import pytest

from devtools.lab.latency import Percentiles


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        pytest.param(range(1, 101), (50, 95, 99), id="a hundred values, unordered below"),
        pytest.param([3.0, 1.0, 2.0], (2.0, 3.0, 3.0), id="with few values p99 is the largest"),
        pytest.param([0.5], (0.5, 0.5, 0.5), id="a single value"),
        pytest.param([], (None, None, None), id="nothing was measured"),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(measured, expected):
    found = Percentiles.of(reversed(list(measured)))

    assert (found.p50, found.p95, found.p99) == expected
