"""Alice wrote post 70, bob post 71. Dave unfollows alice, carol follows bob, alice stays away."""

import json
from dataclasses import replace

import pytest

from devtools.demo.acts import Follow, Unfollow
from devtools.demo.demand import Demand
from devtools.demo.measurement import Findings
from devtools.demo.mixture import Mixture
from devtools.demo.outcome import Outcome
from devtools.demo.plan import Plan
from devtools.demo.verdict import judge
from tests.devtools.demo.people import ALICE, BOB, CAROL, DAVE, GRAPH, IDS, attempts, entry

MIXTURE = Mixture(
    unfollows=[Unfollow(1, DAVE, ALICE)],
    follows=[Follow(1, CAROL, BOB)],
    dormant=frozenset([ALICE]),
    large_audience=2,
)
MIXED = Demand(Plan(GRAPH, [ALICE, BOB], [], [DAVE, ALICE], MIXTURE))


@pytest.fixture
def mixed() -> Findings:
    """Everything as the graph and the mixture demand it."""
    return Findings(
        attempts=attempts((70, 10.0), (71, 20.0)),
        arrived_at={70: 10.2, 71: 20.4},
        created_posts=[70, 71],
        problems=[],
        devices={},
        receipts=[],
        rows=[(70, 102), (70, 103), (71, 103), (71, 104)],
        # Dave's row of post 70 was written and is gone; carol's of post 71 was filled in.
        daily_counts={
            "posts": 2,
            "timeline_rows": 4,
            "pushes_sent": 0,
            "followers_gained": 1,
            "followers_lost": 1,
        },
        timelines={reader: [entry(71, 1, "user-2")] for reader in (DAVE, ALICE)},
        to_sweep=1,
    )


def test_a_mixed_run_in_which_all_is_as_it_must_be_at_the_end_passes_and_tells_what_was_mixed(
    mixed,
):
    verdict = judge(MIXED, IDS, mixed)

    assert verdict.notes == []
    assert verdict.passed
    assert verdict.mixed == {
        "follows": 1,
        "unfollows": 1,
        "deletions": 0,
        "dormant": 1,
        "returned": 0,
        "rows_to_sweep": 1,
        "posts_to_large_audiences": 1,
    }
    outcome = Outcome(verdict, "RabbitMQ", "PostgreSQL", 1.0)
    assert json.loads(outcome.to_json())["rows_to_sweep"] == 1
    assert "posts to large audiences" in str(outcome)


@pytest.mark.parametrize(
    ("changes", "missing", "duplicates"),
    [
        pytest.param({"rows": [(70, 104)]}, 0, 1, id="what was unfollowed is still there"),
        pytest.param({"rows": [(71, 101)]}, 0, 1, id="who stays away is written to"),
        pytest.param({"lacks": [(71, 103)]}, 1, 0, id="what was followed is not filled in"),
        pytest.param({"daily_counts": {"timeline_rows": 2}}, 1, 0, id="too few rows are counted"),
        pytest.param({"daily_counts": {"timeline_rows": 6}}, 0, 1, id="too many rows are counted"),
        pytest.param({"daily_counts": {"followers_lost": 0}}, 1, 0, id="no unfollow is counted"),
        pytest.param({"timelines": {ALICE: []}}, 1, 0, id="who stayed away sees nothing"),
    ],
)
def test_each_deviation_fails_a_mixed_run(mixed, changes, missing, duplicates):
    rows = {*mixed.rows, *changes.get("rows", ())} - {*changes.get("lacks", ())}
    wrong = replace(
        mixed,
        rows=sorted(rows),
        daily_counts={**mixed.daily_counts, **changes.get("daily_counts", {})},
        timelines={**mixed.timelines, **changes.get("timelines", {})},
    )

    verdict = judge(MIXED, IDS, wrong)

    assert (verdict.missing, verdict.duplicates) == (missing, duplicates)
    assert not verdict.passed
