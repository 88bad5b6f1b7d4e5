import pytest

from devtools.bench.rate import rows_per_second


@pytest.mark.parametrize(
    ("commits", "rate"),
    [
        ([(10.0, 500), (11.0, 100), (12.0, 100)], 100.0),  # The first one's rows came before.
        ([(12.0, 100), (10.0, 500), (11.0, 100)], 100.0),  # Of several connections, in any order.
        ([(10.0, 500)], 0.0),
    ],
)
def test_rows_a_second_from_the_first_to_the_last_commit(commits, rate):
    assert rows_per_second(commits) == rate
