"""A run with two posts: alice wrote post 70, bob post 71; dave and alice have devices."""

import json
from dataclasses import replace

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from devtools.demo.demand import Demand
from devtools.demo.measurement import Findings
from devtools.demo.outcome import Outcome
from devtools.demo.plan import Plan, content
from devtools.demo.verdict import judge
from devtools.push_service import Device, Receipt, post_topic
from tests.devtools.demo.people import ALICE, BOB, DAVE, GRAPH, IDS, attempts, entry

DEMAND = Demand(Plan(GRAPH, [ALICE, BOB], [BOB], [DAVE]))
NO_CHANGES = {"followers_gained": 0, "followers_lost": 0}
DEVICES = {ALICE: Device.generate("alice"), DAVE: Device.generate("dave")}
ROWS = [(70, 102), (70, 103), (70, 104), (71, 101), (71, 104)]


def receipt(device: Device, post: int, body: str, at: float) -> Receipt:
    shown = {"post_id": post, "body": body, "tag": post_topic(post)}
    plaintext = json.dumps(shown).encode()
    sealed = http_ece.encrypt(
        plaintext,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=device.public_key,
        auth_secret=device.auth,
        version="aes128gcm",
    )
    return Receipt("webpush", device.token, 0.0, at, 201, "60", "normal", post_topic(post), sealed)


PUSHES = [
    receipt(DEVICES[DAVE], 70, content(0), 10.5),
    receipt(DEVICES[ALICE], 71, content(1), 21.5),
    receipt(DEVICES[DAVE], 71, content(1), 21.0),
]


@pytest.fixture
def found() -> Findings:
    """Everything as the graph demands it."""
    return Findings(
        attempts=attempts((70, 10.0), (71, 20.0)),
        arrived_at={70: 10.2, 71: 20.4},
        devices=DEVICES,
        receipts=PUSHES,
        rows=ROWS,
        created_posts=[70, 71],
        daily_counts={"posts": 2, "timeline_rows": 5, "pushes_sent": 3} | NO_CHANGES,
        timelines={DAVE: [entry(71, 1, "user-2"), entry(70, 0, "user-1")]},
        problems=[],
    )


def test_a_run_in_which_everything_arrived_once_passes(found):
    verdict = judge(DEMAND, IDS, found)

    assert verdict.passed
    assert (verdict.rows.found, verdict.pushes.found, verdict.events.found) == (5, 3, 2)
    assert verdict.timeline.p99 == pytest.approx(0.4)
    assert verdict.push.p99 == pytest.approx(1.5)
    assert verdict.rows_per_s == pytest.approx(5 / 10.4)


@pytest.mark.parametrize(
    ("changes", "missing", "duplicates"),
    [
        pytest.param({"rows": ROWS[1:]}, 1, 0, id="a row is missing"),
        pytest.param({"rows": [*ROWS, ROWS[0]]}, 0, 1, id="a row stands twice"),
        pytest.param({"rows": [*ROWS, (71, 103)]}, 0, 1, id="carol has what she does not follow"),
        pytest.param({"receipts": PUSHES[1:]}, 1, 0, id="a push is missing"),
        pytest.param({"receipts": [*PUSHES, PUSHES[0]]}, 0, 1, id="a push came twice"),
        pytest.param({"created_posts": [70]}, 1, 0, id="analytics lacks a post"),
        pytest.param({"created_posts": [70, 71, 71]}, 0, 1, id="analytics has a post twice"),
        pytest.param({"timelines": {DAVE: []}}, 2, 0, id="the home timeline is empty"),
        pytest.param(
            {"timelines": {DAVE: [entry(70, 0, "user-1"), entry(71, 1, "user-2")]}},
            2,
            0,
            id="the home timeline shows the oldest first",
        ),
        pytest.param(
            {"timelines": {DAVE: [entry(71, 1, "user-1"), entry(70, 0, "user-1")]}},
            1,
            1,
            id="the home timeline names another author",
        ),
    ],
)
def test_each_deviation_fails_the_run(found, changes, missing, duplicates):
    verdict = judge(DEMAND, IDS, replace(found, **changes))

    assert (verdict.missing, verdict.duplicates) == (missing, duplicates)
    assert not verdict.passed
    assert verdict.notes


def test_a_push_with_another_content_is_missing_and_named(found):
    wrong = receipt(DEVICES[DAVE], 70, "something else", 10.5)

    verdict = judge(DEMAND, IDS, replace(found, receipts=[wrong, *PUSHES[1:]]))

    assert verdict.missing == 1
    assert "a push shows another content than post 70" in verdict.notes


def test_a_push_that_its_device_cannot_open_is_missing_and_named(found):
    stray = PUSHES[0]._replace(token=DEVICES[ALICE].token)

    verdict = judge(DEMAND, IDS, replace(found, receipts=[stray, *PUSHES[1:]]))

    assert verdict.missing == 1
    assert any("does not open" in note for note in verdict.notes)


def test_a_failed_post_fails_the_run_and_demands_nothing(found):
    kept = replace(
        found,
        attempts=attempts((70, 10.0), refused="POST /api/v1/posts/: 503"),
        arrived_at={70: 10.2},
        receipts=PUSHES[:1],
        rows=ROWS[:3],
        created_posts=[70],
        daily_counts={"posts": 1, "timeline_rows": 3, "pushes_sent": 1} | NO_CHANGES,
        timelines={DAVE: [entry(70, 0, "user-1")]},
    )

    verdict = judge(DEMAND, IDS, kept)

    assert (verdict.missing, verdict.duplicates) == (0, 0)
    assert verdict.notes == ["POST /api/v1/posts/: 503"]
    assert not verdict.passed


def test_json_has_the_promised_keys_and_the_table_the_same_numbers(found):
    outcome = Outcome(judge(DEMAND, IDS, found), "RabbitMQ 3.10.8", "PostgreSQL 18.4", 12.34)

    assert json.loads(outcome.to_json()) == {
        "posts": 2,
        "expected_rows": 5,
        "rows": 5,
        "missing": 0,
        "duplicates": 0,
        "pushes_expected": 3,
        "pushes": 3,
        "analytics_events": 2,
        "timeline_p50_s": 0.2,
        "timeline_p99_s": 0.4,
        "push_p50_s": 1.0,
        "push_p99_s": 1.5,
        "rows_per_s": 0,
        "broker": "RabbitMQ 3.10.8",
        "database": "PostgreSQL 18.4",
        "seconds": 12.3,
    }
    assert "0.400" in str(outcome)


def test_a_run_that_delivered_nothing_still_has_a_table(found):
    nothing = replace(found, attempts=attempts(), arrived_at={}, receipts=[], rows=[])

    outcome = Outcome(judge(DEMAND, IDS, nothing), "RabbitMQ", "PostgreSQL", 1.0)

    assert "-" in str(outcome)
    assert json.loads(outcome.to_json())["push_p99_s"] is None


def test_a_push_that_came_again_is_a_duplicate_unless_its_sender_died(found):
    again = PUSHES[0]._replace(monotonic=99.0)
    twice = replace(found, receipts=[*PUSHES, again])

    assert judge(DEMAND, IDS, twice).duplicates == 1
    verdict = judge(replace(DEMAND, senders_die=True), IDS, twice)
    assert verdict.passed
    assert verdict.repeats == 1
    assert verdict.push.p99 == pytest.approx(1.5)
