import threading

import pytest
from django.db import connection, transaction

from social import posts
from social.slices import END, Slice
from timelines import fanout, watermark

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    return [posts.publish(alice, f"post {number}", now=now).pk for number in range(3)]


def write(post_id: int, now) -> None:
    fanout.write([Slice(post_id, 0, END)], now=now)


def test_it_stops_before_the_first_post_that_lacks_a_slice(written, now):
    first, second, third = written
    assert watermark.raise_() == first - 1
    write(first, now)
    write(third, now)
    assert watermark.raise_() == second - 1
    fanout.write([Slice(second, 0, 5)], now=now)
    assert watermark.raise_() == second - 1
    fanout.write([Slice(second, 5, END)], now=now)
    assert watermark.raise_() == third
    assert watermark.raise_() == third


def test_a_deleted_post_does_not_stop_it(alice, written, now):
    posts.delete(alice.posts.get(pk=written[0]), now=now)
    write(written[1], now)
    assert watermark.raise_() == written[2] - 1


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
    before = watermark.raise_()
    commit.set()
    poster.join(10)
    assert before < late[0]
    assert watermark.raise_() == late[0] - 1
    write(late[0], now)
    assert watermark.raise_() == quick.pk
