from datetime import timedelta

import pytest
from django.utils import timezone

import notifications.models
import timelines.models
from fanout import ledger
from fanout import pruning as ledger_pruning
from fanout.models import Horizon
from fanout.slices import END, Slice, tile
from notifications.models import Notification
from operations import deliveries, journey, repairing
from operations.tasks import prune
from social import posts
from tests.api import client_of
from timelines import fanout, watermark
from timelines.models import FanOut, SliceRecord, TimelineEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    """Four posts, all written; the horizon is at the third."""
    ids = [posts.publish(alice, f"post {number}", now=now).pk for number in range(4)]
    ledger.begin(FanOut, [each for pk in ids for each in tile(pk, [1, 2])], now=now)
    fanout.write([each for pk in ids for each in tile(pk, [1, 2])], now=now)
    FanOut.objects.update(finished_at=now)
    for table in (TimelineEntry, Notification):
        Horizon.objects.create(table_name=table._meta.db_table, post_id=ids[2])
    return ids


def recorded(model) -> list[int]:
    return sorted(model.objects.values_list("post_id", flat=True))


def pruned(**options) -> int:
    return ledger_pruning.prune(FanOut, SliceRecord, TimelineEntry, **options)


def test_rows_below_the_horizon_are_deleted_and_others_stay(written):
    assert pruned() == 2 * 2 + 2
    assert recorded(FanOut) == written[2:]
    assert recorded(SliceRecord) == sorted(written[2:] * 2)
    assert pruned() == 0


def test_a_run_is_bounded_and_the_next_one_continues(written):
    assert pruned(batch=1, batches=1) == 2
    assert recorded(SliceRecord) == sorted([written[0], written[1], *written[1:], *written[2:]])
    assert pruned(batch=1, batches=2) == 3
    assert pruned(batch=1, batches=2) == 1
    assert recorded(SliceRecord) == sorted(written[2:] * 2)


def test_a_fan_out_that_is_not_finished_stays_with_its_slices(written):
    FanOut.objects.filter(pk=written[0]).update(finished_at=None)
    pruned()
    assert recorded(FanOut) == [written[0], *written[2:]]
    assert recorded(SliceRecord)[:2] == [written[0]] * 2


def test_the_periodic_task_prunes_both_apps(written, now):
    notifications.models.FanOut.objects.create(post_id=written[0], planned_at=now, finished_at=now)
    notifications.models.SliceRecord.objects.create(
        post_id=written[0], after=0, up_to=END, rows=1, written_at=now
    )
    prune()
    for models in (timelines.models, notifications.models):
        assert not models.FanOut.objects.filter(pk__lt=written[2]).exists()
        assert not models.SliceRecord.objects.filter(post_id__lt=written[2]).exists()


def test_nothing_counts_as_missing_after_its_ledger_was_pruned(alice, bob, written, broker, now):
    pruned()
    # Neither for the watermark, the repair tasks, an operator who repairs or asks, nor the author.
    mark = watermark.raise_(now=now + ledger.LATE * 2)
    assert (mark.post_id, mark.stragglers) == (written[3], [])
    later = timezone.now() + timedelta(days=1)
    assert ledger.late(FanOut, SliceRecord, now=later, oldest=written[2]) == []
    assert repairing.repair(written[0]) == {"timelines": 0, "notifications": 0}
    steps = [step.text for step in journey.steps(written[0], bob)]
    assert "timelines keeps no record any more of posts as old as this." in steps
    shown = client_of(alice).get(f"/api/v1/posts/{written[0]}/delivery/").json()
    assert shown["timelines"] == {"written": None, "expected": None}
    kept = deliveries.of(alice.posts.get(pk=written[3]))
    assert (kept.written, kept.expected) == (1, 1)


def test_a_slice_task_after_its_ledger_was_pruned_writes_no_row_again(written, now):
    """Its rows are still there until the next run drops their partition."""
    pruned()
    before = TimelineEntry.objects.count()
    assert fanout.write([Slice(written[0], 0, END)], now=now) == 0
    assert TimelineEntry.objects.count() == before
    assert written[0] not in recorded(SliceRecord)
