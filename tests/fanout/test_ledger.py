from datetime import timedelta
from itertools import pairwise

import pytest

from fanout import ledger
from fanout.slices import END, Slice, tile
from social import posts
from timelines import fanout
from timelines.models import FanOut, SliceRecord

pytestmark = pytest.mark.django_db


def record(post_id: int, after: int, up_to: int, now) -> None:
    SliceRecord.objects.create(post_id=post_id, after=after, up_to=up_to, rows=0, written_at=now)


@pytest.mark.parametrize(
    ("done", "missing"),
    [
        ([], [(0, END)]),
        ([(0, END)], []),
        ([(0, 10), (10, END)], []),
        ([(0, 10)], [(10, END)]),
        ([(10, END)], [(0, 10)]),
        ([(0, 10), (20, 30), (40, END)], [(10, 20), (30, 40)]),
        # Planned twice, with different followers, so that slices overlap.
        ([(0, 10), (0 + 5, 20), (20, END)], []),
        ([(0, 20), (10, 15)], [(20, END)]),
    ],
)
def test_holes_in_the_ledger_are_the_missing_slices(done, missing, now):
    for after, up_to in done:
        record(1, after, up_to, now)
    assert ledger.holes(SliceRecord, [1]) == {1: [Slice(1, *hole) for hole in missing]}


@pytest.fixture
def planned(post, bob, now):
    ledger.begin(FanOut, tile(post.pk, [1]), now=now)
    return post


def late(now) -> list[Slice]:
    return ledger.late(FanOut, SliceRecord, now=now)


def test_a_fan_out_that_is_not_finished_in_time_is_late_once(planned, now):
    assert late(now + ledger.LATE) == []
    later = now + ledger.LATE * 2
    assert late(later) == [Slice(planned.pk, 0, END)]
    # The repair restarts the time until it is late.
    assert late(later) == []
    assert late(later + ledger.LATE * 2) == [Slice(planned.pk, 0, END)]


def test_a_finished_fan_out_is_closed(planned, now):
    fanout.write([Slice(planned.pk, 0, END)], now=now)
    assert late(now + timedelta(days=1)) == []
    assert FanOut.objects.get().finished_at


def test_a_deleted_posts_fan_out_is_closed(planned, now):
    posts.delete(planned, now=now)
    assert late(now + timedelta(days=1)) == []
    assert FanOut.objects.get().finished_at


def test_an_expired_posts_fan_out_is_closed(planned, now):
    later = now + timedelta(days=1)
    assert ledger.late(FanOut, SliceRecord, now=later, oldest=planned.pk + 1) == []
    assert FanOut.objects.get().finished_at


def test_planning_again_keeps_the_first_time(planned, now):
    ledger.begin(FanOut, tile(planned.pk, [1]), now=now + timedelta(days=1))
    assert FanOut.objects.get().planned_at == now


@pytest.mark.parametrize(
    ("slices", "left"),
    [
        ([(0, END)], [(0, 10), (20, 30), (40, END)]),
        ([(10, 20)], []),
        ([(0, 5), (5, 25)], [(0, 5), (5, 10), (20, 25)]),
        ([(15, 22), (15, 50)], [(20, 22), (22, 30), (40, 50)]),
        ([(50, END), (0, 3), (0, 60)], [(0, 3), (3, 10), (20, 30), (40, 60), (60, END)]),
    ],
)
def test_uncovered_slices_are_neither_written_nor_in_an_earlier_slice(slices, left, now):
    for after, up_to in [(10, 20), (30, 40), (32, 35)]:
        record(1, after, up_to, now)
    record(2, 0, END, now)
    found = ledger.uncovered(SliceRecord, [Slice(1, *each) for each in slices])
    assert found == [Slice(1, *each) for each in left]


def test_repairs_of_the_same_hole_back_off_and_end(planned, now):
    moment, repairs = now, []
    for _ in range(10 * 60):
        moment += timedelta(minutes=1)
        if late(moment):
            repairs.append(moment)
    waits = [round((b - a) / timedelta(minutes=1)) for a, b in pairwise([now, *repairs])]
    assert waits == [2, 2, 3, 5, 9, 17, 33, 61, 61, 61, 61, 61]
    assert len(waits) == ledger.MOST_REPAIRS
    assert FanOut.objects.get().finished_at
    assert late(now + timedelta(days=30)) == []


def test_a_fan_out_that_is_repaired_in_vain_holds_up_no_other(planned, alice, now):
    FanOut.objects.update(repairs=32_767)
    other = posts.publish(alice, "x", now=now)
    FanOut.objects.create(post_id=other.pk, planned_at=now)
    assert late(now + ledger.LONGEST * 2) == [Slice(other.pk, 0, END)]
