import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from devtools.push_service import running_push_service
from fanout import partitions, retention
from fanout.models import Horizon
from fanout.slices import END, Slice
from notifications.delivery import pushing
from notifications.models import Notification
from operations import doctor
from operations.partitioned import tables
from operations.tasks import drop_partitions
from social import posts
from social.models import Post
from tests.notifications.conftest import forget_failures, register
from timelines import fanout, forward, reading
from timelines.forward import Position
from timelines.models import TimelineEntry, Watermark

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = 40_000_000  # the begin of a partition, in a range that no other test uses
NEWEST = FIRST + 2_000


@pytest.fixture(autouse=True)
def _expired(alice, settings):
    """A partition of each table whose only post is older than any retention, and a next one with an
    old post too: nobody has posted for long. Afterwards ids continue as before."""
    created_at = timezone.now() - settings.TIMELINE_KEEP * 2 - timedelta(days=1)
    Post.objects.bulk_create(
        Post(pk=pk, author=alice, content="hi", created_at=created_at) for pk in (FIRST, NEWEST)
    )
    for one in tables():
        partitions.ensure(one.table, [FIRST, NEWEST])
    before = retention.head().coming
    draw_next(NEWEST + 1)
    yield
    draw_next(before)
    for one in tables():
        for name, first, _ in partitions.named_bounds(one.table):
            if first >= FIRST:
                with connection.cursor() as cursor:
                    cursor.execute(f"DROP TABLE {name}")


def draw_next(post_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('social_post_id_seq', %s, false)", [post_id])


@pytest.fixture
def service():
    with running_push_service() as service:
        forget_failures(service)
        yield service


def kept() -> list[str]:
    return [one.table for one in tables() if (FIRST, FIRST + 2_000) in partitions.bounds(one.table)]


def output(*arguments: str) -> str:
    out = io.StringIO()
    call_command("partitions", *arguments, stdout=out)
    return out.getvalue()


def test_expired_partitions_are_dropped_by_the_second_run():
    drop_partitions()
    assert kept() == [one.table for one in tables()]
    drop_partitions()
    assert kept() == []


def test_the_command_shows_ranges_and_ages_and_changes_nothing():
    assert f"posts {FIRST}-{FIRST + 1_999}: not counted rows" in output()
    assert "61 days, would expire" in output("--drop-expired")
    assert [partitions.horizon(one.table) for one in tables()] == [0, 0, 0]


def test_the_command_drops_with_yes():
    output("--drop-expired", "--yes")
    assert "61 days, would be dropped" in output("--drop-expired")
    assert f"dropped timelines_timelineentry_p{FIRST}" in output("--drop-expired", "--yes")
    assert kept() == []


def test_the_command_makes_partitions_ahead():
    output("--create-ahead")
    assert len([end for _, end in partitions.bounds(tables()[0].table) if end > NEWEST]) == 6


def arrives(author, reader, service) -> bool:
    """Return whether a new post of the author gets a timeline row, a notification and a push."""
    device = register(reader, service, timezone.now())
    post = posts.publish(author, "after long silence", now=timezone.now())
    whole = Slice(post.pk, 0, END)
    fanout.write([whole], now=timezone.now())
    pushing.push_slices([whole], task=uuid4(), clock=timezone.now)
    return (
        TimelineEntry.objects.filter(owner=reader, post=post).exists()
        and Notification.objects.filter(recipient=reader, post=post).exists()
        and len(service.receipts.of(device.token)) == 1
    )


def test_a_post_after_a_long_silence_is_written_notified_and_pushed(alice, bob, service):
    for _ in range(3):
        output("--drop-expired", "--yes")
        output("--create-ahead")
    assert found_by_the_doctor() == []
    assert arrives(alice, bob, service)


def test_a_horizon_beyond_the_next_post_is_corrected(alice, bob, service):
    """An earlier version could leave such a horizon, and drop what lay below it."""
    for one in tables():
        Horizon.objects.create(table_name=one.table, post_id=NEWEST + 11_500)
    Watermark.objects.create(pk=1, post_id=NEWEST + 11_499)
    forward_reader = Position(NEWEST + 11_499)
    assert len(found_by_the_doctor()) >= len(tables())
    output("--create-ahead")
    assert found_by_the_doctor() == []
    assert Watermark.objects.get().post_id == NEWEST
    page, at = forward.newer(bob.pk, reading.state(bob.pk), forward_reader, 10)
    assert arrives(alice, bob, service)
    page, _ = forward.newer(bob.pk, reading.state(bob.pk), at, 10)
    assert [post.content for post in page.posts] == ["after long silence"]


def test_dropping_corrects_such_a_horizon_too(alice, bob, service):
    for one in tables():
        Horizon.objects.create(table_name=one.table, post_id=NEWEST + 11_500)
    output("--drop-expired", "--yes")
    assert [partitions.horizon(one.table) for one in tables()] == [NEWEST + 1] * len(tables())
    assert arrives(alice, bob, service)


def found_by_the_doctor() -> list[str]:
    found = doctor.partitions_ahead(timezone.now())
    return [ailment.what for ailment in found if "records" not in ailment.what]
