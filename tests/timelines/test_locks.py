"""Races of two processes. A test that makes the calls one after the other cannot show them."""

import threading
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection, transaction

from fanout.slices import END, Slice
from social import posts, relations
from tests.waiting import awaited_locks, until
from timelines import backfill, dormancy, fanout, removal
from timelines.models import TimelineEntry

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def slice_in_progress(post, now):
    """A worker has written the post's slice but not committed. It commits when the event that this
    yields is set, or when the block ends."""
    written, waited_for = threading.Event(), threading.Event()

    def work():
        with transaction.atomic():
            fanout.write([Slice(post.pk, 0, END)], now=now)
            written.set()
            waited_for.wait(10)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert written.wait(10)
    yield waited_for
    waited_for.set()
    worker.join(10)


def while_it_waits(action, waited_for) -> None:
    """Run the action in a thread. The worker commits once the action waits for a lock or ends."""

    def act():
        action()
        connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    until(lambda: not thread.is_alive() or "advisory" in awaited_locks())
    waited_for.set()
    thread.join(10)


def test_rows_being_written_do_not_outlive_an_unfollow(alice, bob, post, now):
    with slice_in_progress(post, now) as waited_for:
        relations.unfollow(bob, alice)
        while_it_waits(lambda: backfill.refresh(bob.pk, [alice.pk]), waited_for)
    assert not TimelineEntry.objects.exists()


def test_rows_being_written_do_not_outlive_a_deletion(alice, bob, post, now):
    with slice_in_progress(post, now) as waited_for:
        posts.delete(post, now=now)
        while_it_waits(lambda: removal.remove_posts([post.pk]), waited_for)
    assert not TimelineEntry.objects.exists()


def test_an_owner_who_returns_while_a_slice_skips_them_gets_its_row(alice, bob, post, now):
    dormancy.expect([bob.pk], now=now - settings.TIMELINE_DORMANT_AFTER * 2)
    assert dormancy.put_to_sleep(now=now) == 1
    with slice_in_progress(post, now) as waited_for:
        while_it_waits(lambda: dormancy.rebuild(bob.pk, now=now), waited_for)
    assert TimelineEntry.objects.filter(owner=bob, post=post).count() == 1


def test_a_follower_who_begins_while_a_slice_skips_them_gets_its_row(alice, bob, carol, post, now):
    with slice_in_progress(post, now) as waited_for:
        relations.follow(carol, alice, now=now)
        while_it_waits(lambda: backfill.refresh(carol.pk, [alice.pk]), waited_for)
    assert TimelineEntry.objects.filter(post=post).count() == 2


def test_slices_of_one_author_do_not_wait_for_each_other(alice, bob, post, now):
    other = posts.publish(alice, "hi again", now=now)
    with slice_in_progress(post, now):
        assert fanout.write([Slice(other.pk, 0, END)], now=now) == 1
