"""The oracle finds what is lost, doubled or without a right to be there, and nothing else."""

import pytest

from devtools.faults.attempts import Attempt
from devtools.faults.oracle import judge
from devtools.faults.rest import Letter, Post, Rest

# Alice (1) writes; Bob (2) and Carol (3) follow her, Carol has muted her; Dave (4) follows nobody.
ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
POST = 10
EVENT = "evt_1"
SUBSCRIBERS = {
    "timelines": ("timeline.worker", frozenset({"post.created"})),
    "analytics": ("analytics.worker", frozenset({"post.created", "timeline.delivered"})),
}


@pytest.fixture
def rest() -> Rest:
    """One post, delivered to Bob, as it should be."""
    return Rest(
        posts={POST: Post(ALICE, "hello")},
        follows={(BOB, ALICE), (CAROL, ALICE)},
        mutes={(CAROL, ALICE)},
        entries=[(BOB, POST)],
        events={EVENT: ("post.created", POST), "evt_2": ("timeline.delivered", POST)},
        inbox=[("timelines", EVENT), ("analytics", EVENT), ("analytics", "evt_2")],
        ledger=(1, 1),
        delivered=(1, 1),
        daily={"posts": 1, "timeline_rows": 1},
        shown={BOB: [POST], CAROL: [], DAVE: []},
    )


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(0, 0, "hello", begun_at=0.0, post_id=POST, accepted_at=1.0)


def test_what_is_right_is_found_right(rest, attempt):
    verdict = judge(rest, [attempt], SUBSCRIBERS)
    assert verdict.problems == []
    assert (verdict.lost, verdict.duplicates, verdict.unexpected) == (0, 0, 0)
    assert (verdict.rows_expected, verdict.rows_found) == (1, 1)


def test_a_missing_row_is_lost(rest, attempt):
    rest.entries = []
    assert judge(rest, [attempt], SUBSCRIBERS).lost == 1


def test_an_accepted_post_that_is_not_there_is_lost(rest, attempt):
    attempt.post_id = 11
    assert judge(rest, [attempt], SUBSCRIBERS).lost == 1


def test_a_post_without_an_event_is_lost(rest, attempt):
    del rest.events[EVENT]
    assert judge(rest, [attempt], SUBSCRIBERS).lost == 1


def test_a_doubled_row_is_a_duplicate(rest, attempt):
    rest.entries *= 2
    verdict = judge(rest, [attempt], SUBSCRIBERS)
    assert (verdict.lost, verdict.duplicates) == (0, 1)


def test_a_post_made_twice_for_one_key_is_a_duplicate(rest, attempt):
    rest.posts[11] = Post(ALICE, "hello")
    rest.entries.append((BOB, 11))
    rest.events["evt_3"] = ("post.created", 11)
    rest.inbox += [("timelines", "evt_3"), ("analytics", "evt_3")]
    rest.shown = {}
    assert judge(rest, [attempt], SUBSCRIBERS).duplicates == 1


def test_a_row_of_somebody_who_does_not_follow_is_surplus_and_no_fault(rest, attempt):
    rest.entries += [(DAVE, POST), (CAROL, POST)]
    verdict = judge(rest, [attempt], SUBSCRIBERS)
    assert verdict.surplus == 2
    assert verdict.problems == []


def test_a_post_shown_to_somebody_who_does_not_follow_is_unexpected(rest, attempt):
    rest.shown = {DAVE: [POST]}
    assert judge(rest, [attempt], SUBSCRIBERS).unexpected == 1


def test_a_post_not_shown_to_a_follower_is_lost_and_one_shown_twice_a_duplicate(rest, attempt):
    rest.shown = {BOB: []}
    assert judge(rest, [attempt], SUBSCRIBERS).lost == 1
    rest.shown = {BOB: [POST, POST]}
    assert judge(rest, [attempt], SUBSCRIBERS).duplicates == 1


def test_a_row_and_an_event_of_a_rolled_back_post_are_unexpected(rest, attempt):
    rest.entries.append((BOB, 12))
    rest.events["evt_4"] = ("post.created", 12)
    rest.inbox += [("timelines", "evt_4"), ("analytics", "evt_4")]
    assert judge(rest, [attempt], SUBSCRIBERS).unexpected == 2


def test_an_event_that_ended_neither_way_is_lost(rest, attempt):
    rest.inbox.remove(("timelines", EVENT))
    assert judge(rest, [attempt], SUBSCRIBERS).lost == 1


def test_an_event_that_ended_both_ways_is_a_duplicate_unless_its_id_was_reused(rest, attempt):
    rest.letters = [Letter("timeline.worker", EVENT, "ValueError", "")]
    verdict = judge(rest, [attempt], SUBSCRIBERS, poison=1)
    assert (verdict.duplicates, verdict.dead_letters) == (1, 1)
    assert not judge(rest, [attempt], SUBSCRIBERS, poison=1, reused=frozenset({EVENT})).problems


def test_an_old_post_may_lack_its_rows_and_its_event_but_is_shown(rest, attempt):
    rest.entries, rest.inbox = [], rest.inbox[2:]
    del rest.events[EVENT]
    rest.ledger = rest.delivered = (0, 0)
    rest.daily = {}
    assert not judge(rest, [attempt], SUBSCRIBERS, old=frozenset({POST})).problems
    rest.shown[BOB] = []
    assert judge(rest, [attempt], SUBSCRIBERS, old=frozenset({POST})).lost == 1


def test_a_dead_letter_is_an_end_where_it_was_put_in(rest, attempt):
    rest.inbox.remove(("analytics", "evt_2"))
    rest.letters = [Letter("analytics.worker", "evt_2", "ValueError", "")]
    verdict = judge(rest, [attempt], SUBSCRIBERS)
    assert verdict.lost == 0
    assert verdict.problems == ["dead letters: 1, want 0: 1 of analytics.worker ValueError "]


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        pytest.param("pending", 1, id="an event still waits in the outbox"),
        pytest.param("ledger", (2, 1), id="a slice was written and not told of"),
        pytest.param("delivered", (1, 2), id="rows were told of that were not written"),
        pytest.param("daily", {"posts": 2, "timeline_rows": 1}, id="a post was counted twice"),
        pytest.param("depths", {"timelines.high": 1}, id="a message is left"),
    ],
)
def test_what_does_not_add_up_is_a_problem(rest, attempt, changed, value):
    setattr(rest, changed, value)
    assert len(judge(rest, [attempt], SUBSCRIBERS).problems) == 1


def test_recovered_is_what_exists_though_its_request_failed(rest):
    silent = Attempt(0, 0, "hello", begun_at=0.0, failed=1)
    assert judge(rest, [silent], SUBSCRIBERS).recovered == 1
    again = Attempt(0, 0, "hello", 0.0, failed=1, post_id=POST, accepted_at=1.0, replayed=True)
    assert judge(rest, [again], SUBSCRIBERS).recovered == 1
    refused = Attempt(0, 0, "hello", 0.0, failed=1, post_id=POST, accepted_at=1.0)
    assert judge(rest, [refused], SUBSCRIBERS).recovered == 0
