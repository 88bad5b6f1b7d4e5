from datetime import timedelta

import pytest
from django.db import connection, transaction

from fanout import partitions, retention
from fanout.models import Horizon
from social.models import Post

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "scratch"
KEEP = timedelta(days=30)


@pytest.fixture(autouse=True)
def table(transactional_db, settings):
    """A table for this test only, with partitions of ten posts each for the posts 0 to 39."""
    settings.PARTITION_POSTS = 10
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {TABLE} (owner_id bigint, post_id bigint,"
            " PRIMARY KEY (owner_id, post_id)) PARTITION BY RANGE (post_id)"
        )
        partitions.ensure(TABLE, [5, 15, 25, 35])
        yield
        cursor.execute(f"DROP TABLE {TABLE}")


@pytest.fixture(autouse=True)
def _posts(alice, now):
    """The third partition has a young post. The newest post of the second is one day too old."""
    Post.objects.bulk_create(
        Post(pk=pk, author=alice, content="hi", created_at=now - timedelta(days=days))
        for pk, days in ((5, 90), (15, 60), (19, 31), (25, 60), (26, 1), (35, 0))
    )
    draw_next(36)


@pytest.fixture(autouse=True)
def _sequence(transactional_db):
    """Restore the sequence for the other tests."""
    before = retention.head().coming
    yield
    draw_next(before)


def draw_next(post_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('social_post_id_seq', %s, false)", [post_id])


def kept() -> list[int]:
    return [first for first, _ in partitions.bounds(TABLE)]


def test_rows_are_hidden_first_and_dropped_by_the_next_run(now):
    assert retention.expire(TABLE, KEEP, now=now) == []
    assert partitions.horizon(TABLE) == 20
    assert kept() == [0, 10, 20, 30]
    assert retention.expire(TABLE, KEEP, now=now) == ["scratch_p0", "scratch_p10"]
    assert kept() == [20, 30]
    assert retention.expire(TABLE, KEEP, now=now) == []


def test_a_partition_is_as_old_as_its_newest_post(now):
    retention.expire(TABLE, timedelta(days=40), now=now)
    assert partitions.horizon(TABLE) == 10


def test_a_horizon_never_moves_back(now):
    retention.expire(TABLE, KEEP, now=now)
    retention.expire(TABLE, KEEP * 10, now=now)
    assert partitions.horizon(TABLE) == 20


def test_a_partition_without_posts_expires_with_the_next_one(now):
    Post.objects.filter(pk__lt=10).delete()
    assert retention.expiring(TABLE, timedelta(days=40), now=now) == 0
    assert retention.expiring(TABLE, KEEP, now=now) == 20


def test_the_newest_posts_partition_never_expires_however_old_the_post_is(now):
    Post.objects.update(created_at=now - timedelta(days=90))
    for _ in range(2):
        retention.expire(TABLE, KEEP, now=now)
    assert (partitions.horizon(TABLE), kept()) == (30, [30])


def test_ids_of_future_posts_never_expire_even_below_a_newer_post(now):
    Post.objects.update(created_at=now - timedelta(days=90))
    draw_next(27)
    retention.expire(TABLE, KEEP, now=now)
    assert partitions.horizon(TABLE) == 20


def test_without_any_post_nothing_expires(now):
    Post.objects.all().delete()
    assert retention.expiring(TABLE, KEEP, now=now) == 0


def test_a_horizon_above_the_next_id_is_lowered_before_anything_is_dropped(now):
    Horizon.objects.create(table_name=TABLE, post_id=11_500)
    retention.expire(TABLE, KEEP, now=now)
    assert partitions.horizon(TABLE) == 36
    # The partition of the next post exists, and those before it are dropped.
    assert kept() == [30]


def test_a_horizon_above_posts_that_were_erased_stays(now):
    """The rows below it are dropped, so that readers must not read them again."""
    Horizon.objects.create(table_name=TABLE, post_id=30)
    Post.objects.filter(pk__gt=20).delete()
    retention.expire(TABLE, KEEP, now=now)
    assert partitions.horizon(TABLE) == 30


def test_expired_partitions_are_not_created_again(now):
    retention.expire(TABLE, KEEP, now=now)
    retention.expire(TABLE, KEEP, now=now)
    partitions.ensure(TABLE, [5, 45])
    assert kept() == [20, 30, 40]


def test_a_run_that_was_interrupted_is_finished(now):
    retention.expire(TABLE, KEEP, now=now)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {TABLE}_p0 CONCURRENTLY")
    assert retention.expire(TABLE, KEEP, now=now) == ["scratch_p0", "scratch_p10"]


def test_an_interrupted_detach_is_finalized(now):
    retention.expire(TABLE, KEEP, now=now)
    reader = connection.copy()
    with transaction.atomic(), connection.cursor() as cursor:
        # DETACH waits for a reader's transaction, and is interrupted by its lock timeout.
        cursor.execute(f"SELECT * FROM {TABLE}")
        with reader.cursor() as other:
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(Exception, match="lock timeout"):
                other.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {TABLE}_p0 CONCURRENTLY")
    reader.close()
    assert retention.expire(TABLE, KEEP, now=now) == ["scratch_p0", "scratch_p10"]
    assert kept() == [20, 30]


def test_a_survey_has_ranges_sizes_and_ages(now):
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} SELECT n, 5 FROM generate_series(1, 1000) n")
        cursor.execute(f"ANALYZE {TABLE}")
    first, *_, last = retention.survey(TABLE)
    assert (first.name, first.first, first.end, first.rows) == ("scratch_p0", 0, 10, 1_000)
    assert first.bytes > last.bytes > 0
    assert (first.newest, last.newest) == (now - timedelta(days=90), now)
