import pytest
from django.db import IntegrityError, connection, transaction

from fanout import partitions
from fanout.models import Horizon
from tests.at_once import at_once

TABLE = "scratch"


@pytest.fixture(autouse=True)
def table(db):
    """A partitioned table without partitions, for this test only."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {TABLE} (owner_id bigint CHECK (owner_id > 0), post_id bigint,"
            " PRIMARY KEY (owner_id, post_id)) PARTITION BY RANGE (post_id)"
        )
        yield
        cursor.execute(f"DROP TABLE {TABLE}")


def insert(post_id: int, owner: int = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", [owner, post_id])


def test_a_row_without_a_partition_differs_from_other_errors(settings):
    partitions.ensure(TABLE, [5])
    with pytest.raises(IntegrityError) as missing, transaction.atomic():
        insert(10 * settings.PARTITION_POSTS)
    assert partitions.is_missing(missing.value)
    insert(5)
    with pytest.raises(IntegrityError) as twice, transaction.atomic():
        insert(5)
    assert not partitions.is_missing(twice.value)
    with pytest.raises(IntegrityError) as checked, transaction.atomic():
        insert(6, owner=-1)
    assert not partitions.is_missing(checked.value)


def test_ensuring_twice_creates_one_partition(settings):
    partitions.ensure(TABLE, [5, 6])
    partitions.ensure(TABLE, [6])
    assert partitions.bounds(TABLE) == [(0, settings.PARTITION_POSTS)]


def test_partitions_of_another_size_never_overlap(settings):
    settings.PARTITION_POSTS = 1_000
    partitions.ensure(TABLE, [1_500])
    settings.PARTITION_POSTS = 5_000
    partitions.ensure(TABLE, [500, 2_500])
    assert partitions.bounds(TABLE) == [(0, 1_000), (1_000, 2_000), (2_000, 5_000)]


def test_partitions_are_created_ahead(settings):
    partitions.ensure_ahead(TABLE, 10, 2)
    size = settings.PARTITION_POSTS
    assert partitions.bounds(TABLE) == [(0, size), (size, 2 * size), (2 * size, 3 * size)]


def test_partitions_are_created_ahead_of_the_horizon_if_the_newest_post_has_expired(settings):
    size = settings.PARTITION_POSTS
    Horizon.objects.create(table_name=TABLE, post_id=7 * size + 1)
    partitions.ensure_ahead(TABLE, 10, 1)
    assert partitions.bounds(TABLE) == [(7 * size, 8 * size), (8 * size, 9 * size)]


@pytest.mark.django_db(transaction=True)
def test_creating_one_partition_in_several_processes_does_not_fail():
    at_once(lambda: partitions.ensure(TABLE, [7_777_777]))
    assert len(partitions.bounds(TABLE)) == 1
