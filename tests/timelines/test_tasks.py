import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from fanout import ledger
from fanout.slices import END, tile
from social import posts
from tests.bus import depth, slices_in
from timelines.models import FanOut
from timelines.tasks import repair, write_slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def late(alice, bob, broker):
    """A post whose slice was lost with its lane long ago."""
    post = posts.publish(alice, "hi", now=timezone.now())
    ledger.begin(FanOut, tile(post.pk, [1]), now=timezone.now() - ledger.LATE * 2)
    return post


def test_a_lost_slice_is_enqueued_again(broker, late):
    repair()
    assert slices_in(broker, "timelines.low") == [[late.pk, 0, END]]
    repair()
    assert depth(broker, "timelines.low") == 0


def test_while_tasks_wait_in_the_lanes_no_slice_counts_as_lost(broker, late):
    write_slices.enqueue(slices=[])
    repair()
    assert depth(broker, "timelines.low") == 0


def test_an_operator_repairs_a_post(broker, late):
    out = io.StringIO()
    call_command("repair_post", str(late.pk), stdout=out)
    assert "timelines: 1 missing slices enqueued." in out.getvalue()
    assert slices_in(broker, "timelines.low") == [[late.pk, 0, END]]
    assert slices_in(broker, "notifications.retry") == [[late.pk, 0, END]]


def test_repairing_a_post_that_does_not_exist_is_an_error(late):
    with pytest.raises(CommandError, match="no post 999999999"):
        call_command("repair_post", "999999999")
