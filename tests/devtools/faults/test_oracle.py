"""The oracle finds what is lost, doubled or without a right to be there, and nothing else."""

import pytest

from devtools.faults.final_state import FinalState, Letter, Post
from devtools.faults.oracle import judge
from devtools.lab.attempts import Attempt

# Alice (1) writes; Bob (2) and Carol (3) follow her, Carol has muted her; Dave (4) follows nobody.
ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
POST = 10
EVENT = "evt_1"
SUBSCRIBERS = {
    "timelines": ("timeline.worker", frozenset({"post.created"})),
    "analytics": ("analytics.worker", frozenset({"post.created", "timeline.delivered"})),
}


@pytest.fixture
def state() -> FinalState:
    """One post, delivered to Bob, as it should be."""
    return FinalState(
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


def test_what_is_right_is_found_right(state, attempt):
    verdict = judge(state, [attempt], SUBSCRIBERS)
    assert verdict.problems == []
    assert (verdict.lost, verdict.duplicates, verdict.unexpected) == (0, 0, 0)
    assert (verdict.rows_expected, verdict.rows_found) == (1, 1)


def test_a_missing_row_is_lost(state, attempt):
    state.entries = []
    assert judge(state, [attempt], SUBSCRIBERS).lost == 1


def test_an_accepted_post_that_is_not_there_is_lost(state, attempt):
    attempt.post_id = 11
    assert judge(state, [attempt], SUBSCRIBERS).lost == 1


def test_a_post_without_an_event_is_lost(state, attempt):
    del state.events[EVENT]
    assert judge(state, [attempt], SUBSCRIBERS).lost == 1


def test_a_doubled_row_is_a_duplicate(state, attempt):
    state.entries *= 2
    verdict = judge(state, [attempt], SUBSCRIBERS)
    assert (verdict.lost, verdict.duplicates) == (0, 1)


def test_a_post_made_twice_for_one_key_is_a_duplicate(state, attempt):
    state.posts[11] = Post(ALICE, "hello")
    state.entries.append((BOB, 11))
    state.events["evt_3"] = ("post.created", 11)
    state.inbox += [("timelines", "evt_3"), ("analytics", "evt_3")]
    state.shown = {}
    assert judge(state, [attempt], SUBSCRIBERS).duplicates == 1


def test_a_row_of_somebody_who_does_not_follow_is_surplus_and_no_fault(state, attempt):
    state.entries += [(DAVE, POST), (CAROL, POST)]
    verdict = judge(state, [attempt], SUBSCRIBERS)
    assert verdict.surplus == 2
    assert verdict.problems == []


def test_a_post_shown_to_somebody_who_does_not_follow_is_unexpected(state, attempt):
    state.shown = {DAVE: [POST]}
    assert judge(state, [attempt], SUBSCRIBERS).unexpected == 1


def test_a_post_not_shown_to_a_follower_is_lost_and_one_shown_twice_a_duplicate(state, attempt):
    state.shown = {BOB: []}
    assert judge(state, [attempt], SUBSCRIBERS).lost == 1
    state.shown = {BOB: [POST, POST]}
    assert judge(state, [attempt], SUBSCRIBERS).duplicates == 1


def test_a_row_and_an_event_of_a_rolled_back_post_are_unexpected(state, attempt):
    state.entries.append((BOB, 12))
    state.events["evt_4"] = ("post.created", 12)
    state.inbox += [("timelines", "evt_4"), ("analytics", "evt_4")]
    assert judge(state, [attempt], SUBSCRIBERS).unexpected == 2


def test_an_event_that_ended_neither_way_is_lost(state, attempt):
    state.inbox.remove(("timelines", EVENT))
    assert judge(state, [attempt], SUBSCRIBERS).lost == 1


def test_an_event_that_ended_both_ways_is_a_duplicate_unless_its_id_was_reused(state, attempt):
    state.letters = [Letter("timeline.worker", EVENT, "ValueError", "")]
    verdict = judge(state, [attempt], SUBSCRIBERS, poison=1)
    assert (verdict.duplicates, verdict.dead_letters) == (1, 1)
    assert not judge(state, [attempt], SUBSCRIBERS, poison=1, reused=frozenset({EVENT})).problems


def test_an_old_post_may_lack_its_rows_and_its_event_but_is_shown(state, attempt):
    state.entries, state.inbox = [], state.inbox[2:]
    del state.events[EVENT]
    state.ledger = state.delivered = (0, 0)
    state.daily = {}
    assert not judge(state, [attempt], SUBSCRIBERS, old=frozenset({POST})).problems
    state.shown[BOB] = []
    assert judge(state, [attempt], SUBSCRIBERS, old=frozenset({POST})).lost == 1


def test_a_dead_letter_is_an_end_where_it_was_put_in(state, attempt):
    state.inbox.remove(("analytics", "evt_2"))
    state.letters = [Letter("analytics.worker", "evt_2", "ValueError", "")]
    verdict = judge(state, [attempt], SUBSCRIBERS)
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
def test_what_does_not_add_up_is_a_problem(state, attempt, changed, value):
    setattr(state, changed, value)
    assert len(judge(state, [attempt], SUBSCRIBERS).problems) == 1


def test_recovered_is_what_exists_though_its_request_failed(state):
    silent = Attempt(0, 0, "hello", begun_at=0.0, failed=1)
    assert judge(state, [silent], SUBSCRIBERS).recovered == 1
    again = Attempt(0, 0, "hello", 0.0, failed=1, post_id=POST, accepted_at=1.0, replayed=True)
    assert judge(state, [again], SUBSCRIBERS).recovered == 1
    refused = Attempt(0, 0, "hello", 0.0, failed=1, post_id=POST, accepted_at=1.0)
    assert judge(state, [refused], SUBSCRIBERS).recovered == 0
