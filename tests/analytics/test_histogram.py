import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import histogram

seconds = st.lists(st.floats(0, 5_000), min_size=1)


def of(values) -> list[int]:
    buckets = histogram.empty()
    for value in values:
        histogram.add(buckets, value)
    return buckets


def test_an_empty_histogram_has_no_percentile():
    assert histogram.percentile(histogram.empty(), 0.5) is None


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([0.6] * 4, 0.5, 0.625),  # in the middle of its bucket, 0.5 to 0.75
        ([0.01] * 99 + [8], 0.99, 0.025),
        ([0.01] * 99 + [8], 1, 10),
        ([9_999], 0.5, 3_600),  # longer than the last bound
    ],
)
def test_percentiles_lie_in_their_bucket(values, share, expected):
    assert histogram.percentile(of(values), share) == pytest.approx(expected)


@given(seconds, seconds)
def test_merged_histograms_are_those_of_all_values_together(some, others):
    assert histogram.merge([of(some), of(others)]) == of(some + others)


@given(seconds, st.floats(0.01, 1))
def test_a_percentile_is_within_the_bucket_of_the_true_one(values, share):
    true = sorted(values)[max(0, -(-len(values) * share // 1).__int__() - 1)]
    place = next((n for n, b in enumerate(histogram.BOUNDS) if true <= b), len(histogram.BOUNDS))
    lower = histogram.BOUNDS[place - 1] if place else 0
    upper = histogram.BOUNDS[min(place, len(histogram.BOUNDS) - 1)]
    assert lower <= histogram.percentile(of(values), share) <= upper
