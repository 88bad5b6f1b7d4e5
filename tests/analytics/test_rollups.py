from datetime import UTC, datetime

import pytest

from analytics import histogram
from analytics.models import COUNTS, HISTOGRAMS, Rollup
from analytics.recording import record
from analytics.rollups import roll_up
from tests.analytics.records import DAY, event
from tests.at_once import at_once

pytestmark = pytest.mark.django_db


def counts(period: str = "day", author: int = Rollup.EVERYBODY) -> dict:
    """The sums that are not zero, by day of the month."""
    rows = Rollup.objects.filter(period=period, author_id=author).order_by("starts_at")
    return {
        row.starts_at.day: {name: getattr(row, name) for name in COUNTS if getattr(row, name)}
        for row in rows
    }


def test_figures_are_exact_by_event_id():
    batch = [
        event("e1", "post.created"),
        event("e2", "timeline.delivered", rows=40),
        event("e3", "timeline.delivered", rows=2, author_id=3),
        event("e4", "push.settled", sent=5, failed=3, refused=1, expired=1),
        event("e5", "post.created", day=16),
        event("e6", "user.followed", follower_id=9, followee_id=2),
        event("e7", "user.unfollowed", follower_id=9, followee_id=2),
    ]
    assert record(batch, now=DAY) == 7
    assert roll_up() == 7
    # Recording and counting events again does nothing, alone or together with new events.
    assert record(batch, now=DAY) == 0
    assert roll_up() == 0
    again = [*batch[:2], event("e8", "post.created"), event("e8", "post.created")]
    assert record(again, now=DAY) == 1
    assert roll_up() == 1
    pushes = {"pushes_sent": 5, "pushes_failed": 1, "pushes_refused": 1, "pushes_expired": 1}
    others = {"posts": 2, **pushes, "gained": 1, "lost": 1}
    for period in ("day", "hour"):
        assert counts(period) == {15: {"reach": 42, "slices": 2, **others}, 16: {"posts": 1}}
        assert counts(period, author=2) == {
            15: {"reach": 40, "slices": 1, **others},
            16: {"posts": 1},
        }
        assert counts(period, author=3) == {15: {"reach": 2, "slices": 1}}
    assert counts("minute") == counts()
    assert counts("minute", author=2) == {}


def test_every_figure_is_added_to_what_is_there():
    def happen(prefix: str) -> None:
        batch = [
            event(f"{prefix}1", "post.created"),
            event(f"{prefix}2", "timeline.delivered", rows=7),
            event(f"{prefix}3", "user.followed", follower_id=9, followee_id=2),
            event(f"{prefix}4", "user.unfollowed", follower_id=9, followee_id=2),
            event(
                f"{prefix}5",
                "push.settled",
                **{"sent": 5, "failed": 9, "refused": 2, "expired": 3, "people": 6},
                latency_ms=[10, 20, 4000],
            ),
        ]
        record(batch, now=DAY)
        roll_up()

    def found() -> dict:
        return Rollup.objects.filter(author_id=2, period="day").values(*COUNTS, *HISTOGRAMS).get()

    happen("first")
    first = found()
    assert all(first[name] for name in COUNTS)
    assert [sum(first[name]) for name in HISTOGRAMS] == [7, 3]
    happen("second")
    assert found() == {name: 2 * first[name] for name in COUNTS} | {
        name: [2 * bucket for bucket in first[name]] for name in HISTOGRAMS
    }


def test_periods_begin_at_their_start():
    record([event("e1", "post.created")], now=DAY)
    roll_up()
    starts = {row.period: row.starts_at for row in Rollup.objects.filter(author_id=0)}
    assert starts == {
        "minute": datetime(2026, 1, 15, 23, 59, tzinfo=UTC),
        "hour": datetime(2026, 1, 15, 23, tzinfo=UTC),
        "day": datetime(2026, 1, 15, tzinfo=UTC),
    }


def test_latencies_of_several_rollups_add_up_bucket_by_bucket():
    slow = event("e1", "timeline.delivered", rows=3, posted_at="2026-01-15T23:59:57Z")
    fast = event("e2", "timeline.delivered", rows=4)
    pushed = event("e3", "push.settled", sent=2, failed=0, latency_ms=[90, 4_000])
    for each in (slow, fast, pushed):
        record([each], now=DAY)
        roll_up()
    row = Rollup.objects.get(period="day", author_id=2)
    timeline, push = histogram.empty(), histogram.empty()
    histogram.add(timeline, 2, 3)
    histogram.add(timeline, 0, 4)
    histogram.add(push, 0.09)
    histogram.add(push, 4)
    assert (row.timeline_latency, row.push_latency) == (timeline, push)


def test_an_event_without_figures_is_marked_as_counted():
    assert record([event("e1", "post.edited")], now=DAY) == 1
    assert roll_up() == 1
    assert counts() == {}


@pytest.mark.django_db(transaction=True)
def test_rollups_that_run_at_once_count_each_event_once():
    record([event(f"e{n}", "post.created") for n in range(300)], now=DAY)
    at_once(roll_up)
    assert counts() == {15: {"posts": 300}}


def test_an_event_that_cannot_be_counted_is_skipped_alone():
    good = [event(f"e{number:02d}", "post.created") for number in range(50)]
    bad = [
        event("e07x", "push.settled", sent=2**70, failed=0),
        event("e23x", "timeline.delivered", rows=2**62),
        event("e24x", "timeline.delivered", rows=2**62),
        event("e31x", "timeline.delivered", rows=-(2**80)),
    ]
    assert record([*good, *bad], now=DAY) == 54
    assert roll_up() == 54
    assert roll_up() == 0
    assert counts()[15]["posts"] == 50
