import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from operations.partitioned import TABLES
from operations.tasks import drop_partitions
from social import partitions
from social.models import Post

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = 40_000_000  # where a partition begins, and no other test has made any


@pytest.fixture(autouse=True)
def _expired(alice, settings):
    """A partition of each table whose only post is older than any table is kept."""
    created_at = timezone.now() - settings.TIMELINE_KEEP * 2 - timedelta(days=1)
    Post.objects.bulk_create([Post(pk=FIRST, author=alice, content="hi", created_at=created_at)])
    for one in TABLES:
        partitions.ensure(one.table, [FIRST])


def kept() -> list[str]:
    return [one.table for one in TABLES if (FIRST, FIRST + 2_000) in partitions.bounds(one.table)]


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("partitions", *arguments, stdout=out)
    return out.getvalue()


def test_what_has_expired_is_dropped_by_the_second_run():
    drop_partitions()
    assert kept() == [one.table for one in TABLES]
    drop_partitions()
    assert kept() == []


def test_the_command_shows_ranges_and_ages_and_changes_nothing():
    assert f"posts {FIRST}-{FIRST + 1_999}: not counted rows" in told()
    assert "61 days, would expire" in told("--drop-expired")
    assert [partitions.horizon(one.table) for one in TABLES] == [0, 0, 0]


def test_the_command_drops_when_it_is_told_to():
    told("--drop-expired", "--yes")
    assert "61 days, would be dropped" in told("--drop-expired")
    assert f"dropped timelines_timelineentry_p{FIRST}" in told("--drop-expired", "--yes")
    assert kept() == []


def test_the_command_makes_partitions_ahead():
    told("--create-ahead")
    assert len([end for _, end in partitions.bounds(TABLES[0].table) if end > FIRST]) == 6
