"""Post 7 must reach owners 1 and 2, post 8 owner 1."""

import pytest

from devtools.demo.comparison import compare_count, compare_pairs, compare_sequence

EXPECTED = {7: [1, 2], 8: [1]}


def test_what_was_demanded_and_no_more_is_clean():
    tally = compare_pairs("rows", EXPECTED, [(7, 1), (7, 2), (8, 1)])

    assert (tally.expected, tally.found) == (3, 3)
    assert tally.clean
    assert not tally.notes


@pytest.mark.parametrize(
    ("found", "missing", "duplicates"),
    [
        pytest.param([(7, 1), (8, 1)], 1, 0, id="a missing row"),
        pytest.param([(7, 1), (7, 2), (7, 2), (8, 1)], 0, 1, id="a doubled row"),
        pytest.param([(7, 1), (7, 2), (8, 1), (8, 2)], 0, 1, id="a row for a stranger"),
        pytest.param([(7, 1), (7, 2), (8, 1), (9, 1)], 0, 1, id="a row of an unknown post"),
        pytest.param([(7, 1), (7, 1), (8, 1)], 1, 1, id="one missing and one doubled"),
        pytest.param([], 3, 0, id="nothing at all"),
    ],
)
def test_a_deviation_is_counted_and_named(found, missing, duplicates):
    tally = compare_pairs("rows", EXPECTED, found)

    assert (tally.missing, tally.duplicates) == (missing, duplicates)
    assert len(tally.notes) == 1


@pytest.mark.parametrize(
    ("found", "missing", "duplicates"),
    [
        pytest.param([9, 8, 7], 0, 0, id="as demanded"),
        pytest.param([9, 7], 1, 0, id="one left out"),
        pytest.param([9, 8, 8, 7], 0, 1, id="one shown twice"),
        pytest.param([9, 8, 7, 3], 0, 1, id="one that nobody expects"),
        pytest.param([8, 9, 7], 2, 0, id="two in each other's place"),
    ],
)
def test_a_timeline_is_compared_in_its_order(found, missing, duplicates):
    tally = compare_sequence("timeline", [9, 8, 7], found)

    assert (tally.missing, tally.duplicates) == (missing, duplicates)


def test_a_count_that_is_too_high_or_too_low_is_a_deviation():
    assert compare_count("posts", 5, 5, 5).clean
    assert compare_count("posts", 5, 5, 3).missing == 2
    assert compare_count("posts", 5, 5, 9).duplicates == 4
    assert compare_count("rows", 5, 8, 7).clean
    assert compare_count("rows", 5, 8, 9).notes == ["rows: 9 instead of 5 to 8"]
