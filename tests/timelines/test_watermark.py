import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import psycopg2.extensions
import pytest
from django.db import connection, transaction

from fanout import ledger
from fanout.models import Horizon
from fanout.slices import END, Slice
from social import posting, posts
from tests.waiting import until
from timelines import fanout, watermark

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    return [posts.publish(alice, f"post {number}", now=now).pk for number in range(3)]


def raised(now) -> int:
    return watermark.raise_(now=now).post_id


def write(post_id: int, now) -> None:
    fanout.write([Slice(post_id, 0, END)], now=now)


def test_it_stops_before_the_first_post_that_lacks_a_slice(written, now):
    first, second, third = written
    assert raised(now) == first - 1
    write(first, now)
    write(third, now)
    assert raised(now) == second - 1
    fanout.write([Slice(second, 0, 5)], now=now)
    assert raised(now) == second - 1
    fanout.write([Slice(second, 5, END)], now=now)
    assert raised(now) == third
    assert raised(now) == third


def test_a_deleted_post_does_not_stop_it(alice, written, now):
    posts.delete(alice.posts.get(pk=written[0]), now=now)
    write(written[1], now)
    assert raised(now) == written[2] - 1


def test_it_passes_a_late_post_which_is_a_straggler_until_it_is_complete(written, now):
    late, *others = written
    for pk in others:
        write(pk, now)
    assert watermark.raise_(now=now + ledger.LATE).post_id == late - 1
    later = now + ledger.LATE + timedelta(seconds=1)
    mark = watermark.raise_(now=later)
    assert (mark.post_id, mark.stragglers) == (others[-1], [late])
    write(late, now)
    assert watermark.raise_(now=later).stragglers == []


def test_it_waits_for_a_backlog(written, now):
    mark = watermark.raise_(now=now + timedelta(days=1), most=2)
    assert (mark.post_id, mark.stragglers) == (written[2] - 1, written[:2])


def test_a_straggler_that_is_deleted_is_removed(alice, written, now):
    later = now + timedelta(days=1)
    assert watermark.raise_(now=later).stragglers == written
    posts.delete(alice.posts.get(pk=written[0]), now=now)
    assert watermark.raise_(now=later).stragglers == written[1:]


def test_it_does_not_wait_for_expired_posts(written, now):
    Horizon.objects.create(table_name="timelines_timelineentry", post_id=written[2])
    mark = watermark.raise_(now=now)
    assert (mark.post_id, mark.stragglers) == (written[2] - 1, [])


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_a_post_that_is_still_being_committed(alice, bob, now):
    begun, commit = threading.Event(), threading.Event()
    late = []

    def post_slowly():
        with transaction.atomic():
            late.append(posts.publish(alice, "slow", now=now).pk)
            begun.set()
            commit.wait(20)
        connection.close()

    poster = threading.Thread(target=post_slowly)
    poster.start()
    assert begun.wait(10)
    quick = posts.publish(alice, "quick", now=now)
    assert quick.pk > late[0]
    write(quick.pk, now)
    before = raised(now)
    commit.set()
    poster.join(10)
    assert before < late[0]
    assert raised(now) == late[0] - 1
    write(late[0], now)
    assert raised(now) == quick.pk


INSERTS = {
    "default": "INSERT INTO social_post (author_id, content, created_at) VALUES (%s, 'x', now())",
    "explicit nextval": """
        INSERT INTO social_post (id, author_id, content, created_at)
        SELECT nextval(pg_get_serial_sequence('social_post', 'id')), %s, 'x', now()
    """,
    "in a WITH": """
        WITH made AS (
            INSERT INTO social_post (author_id, content, created_at)
            VALUES (%s, 'x', now()) RETURNING id
        ) SELECT id FROM made
    """,
    "MERGE": """
        MERGE INTO social_post USING (SELECT %s::bigint AS author) AS given ON false
        WHEN NOT MATCHED THEN INSERT (author_id, content, created_at)
        VALUES (author, 'x', now())
    """,
    "triggers switched off for a replica": """
        SET LOCAL session_replication_role = replica;
        INSERT INTO social_post (author_id, content, created_at) VALUES (%s, 'x', now())
    """,
}


@contextmanager
def another(application: str) -> Iterator[psycopg2.extensions.connection]:
    """Another connection, in a transaction that is rolled back at the end."""
    made = psycopg2.connect(
        **connection.get_connection_params() | {"application_name": application}
    )
    try:
        yield made
    finally:
        made.close()


def run(on: psycopg2.extensions.connection, sql: str, parameters: Sequence = ()) -> None:
    with on.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", INSERTS.values(), ids=INSERTS)
def test_every_insert_of_a_post_is_seen_before_it_draws_an_id(sql, alice):
    with another("psql") as poster, another("hand") as hand:
        # While the sequence is being altered, no transaction can draw an id.
        run(hand, "ALTER SEQUENCE social_post_id_seq CACHE 1")
        insert = threading.Thread(target=run, args=[poster, sql, [alice.pk]])
        insert.start()
        (seen,) = until(posting.transactions, 10)
        assert insert.is_alive()
        hand.rollback()
        insert.join(10)
        assert posting.transactions()[0].transaction == seen.transaction
        assert seen.application == "psql"
        poster.rollback()
        assert posting.transactions() == []


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_only_changes_posts_does_not_stop_it(alice, bob, post, now):
    write(post.pk, now)
    with another("psql") as operator:
        run(operator, "UPDATE social_post SET content = content")
        assert raised(now) == post.pk
