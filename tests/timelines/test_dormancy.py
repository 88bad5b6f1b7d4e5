from datetime import timedelta

import pytest

from events.models import OutboxEvent
from events.registry import decode_event, subscribers
from fanout.slices import END, Slice
from social import accounts, posts, relations
from tests.conftest import make_user
from tests.refusal import refused
from timelines import dormancy, fanout, reading
from timelines.models import Dormant, Reader, TimelineEntry

pytestmark = pytest.mark.django_db


def visit(user, now) -> None:
    dormancy.note_visit(user.pk, reading.state(user.pk).seen_at, now=now)


@pytest.fixture
def away(bob, now, settings) -> None:
    """Bob has been away for so long that he is dormant."""
    visit(bob, now - settings.TIMELINE_DORMANT_AFTER - timedelta(seconds=1))
    dormancy.put_to_sleep(now=now)


def publish(author, now) -> int:
    post = posts.publish(author, "hi", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)
    return post.pk


def shown(user) -> list[int]:
    return [post.pk for post in reading.older(user.pk, reading.state(user.pk)).posts]


def rows(user) -> int:
    return TimelineEntry.objects.filter(owner=user).count()


def test_a_dormant_owner_gets_no_rows_and_reads_the_same_timeline(alice, bob, away, now):
    written = [publish(alice, now) for _ in range(3)]
    assert rows(bob) == 0
    assert shown(bob) == written[::-1]


def test_an_owner_who_returns_is_filled_in_and_written_again(alice, bob, away, now):
    missed = publish(alice, now)
    visit(bob, now)
    assert rows(bob) == 0
    assert shown(bob) == [missed]
    assert dormancy.wake_returned() == 1
    assert rows(bob) == 1
    since = publish(alice, now)
    assert rows(bob) == 2
    assert shown(bob) == [since, missed]
    assert not Dormant.objects.exists()


def test_nothing_is_kept_about_a_closed_account(bob, away, now):
    accounts.close(bob, now=now)
    event = OutboxEvent.objects.get(routing_key="user.closed")
    closed = decode_event(bytes(event.body), "application/json")
    subscribers["timelines"].handler("user.closed")([closed])
    assert not Reader.objects.exists()
    assert not Dormant.objects.exists()


def test_many_owners_become_dormant_batch_by_batch(alice, now, settings):
    readers = [make_user(f"reader-{number}") for number in range(dormancy.OWNERS + 1)]
    dormancy.expect({reader.pk for reader in readers}, now=now)
    later = now + settings.TIMELINE_DORMANT_AFTER + timedelta(seconds=1)
    assert dormancy.put_to_sleep(now=later) == dormancy.OWNERS + 1
    assert dormancy.put_to_sleep(now=later) == 0


def test_an_author_who_was_unfollowed_is_not_filled_in(alice, bob, away, now):
    publish(alice, now)
    relations.unfollow(bob, alice)
    visit(bob, now)
    dormancy.wake_returned()
    assert rows(bob) == 0


def test_an_owner_who_reads_now_and_then_never_becomes_dormant(bob, now, settings):
    visit(bob, now - settings.TIMELINE_DORMANT_AFTER)
    assert dormancy.put_to_sleep(now=now) == 0


def test_an_owner_who_has_never_read_becomes_dormant_too(bob, now, settings):
    dormancy.expect({bob.pk}, now=now)
    dormancy.expect({bob.pk}, now=now + settings.TIMELINE_DORMANT_AFTER)
    later = now + settings.TIMELINE_DORMANT_AFTER + timedelta(seconds=1)
    assert dormancy.put_to_sleep(now=later) == 1


def test_an_owner_rebuilt_by_an_operator_is_filled_in_and_written_again(alice, bob, away, now):
    missed = publish(alice, now)
    dormancy.rebuild(bob.pk, now=now)
    assert not Dormant.objects.exists()
    since = publish(alice, now)
    assert rows(bob) == 2
    assert shown(bob) == [since, missed]


def test_an_owner_who_becomes_dormant_during_a_rebuild_stays_dormant(alice, bob, away, now):
    # As if Bob became dormant again after the first step of a rebuild: he has not returned.
    dormancy.wake(bob.pk)
    assert Dormant.objects.get(owner=bob).returned_at is None


def test_a_visit_is_written_once_an_hour(bob, now, django_assert_num_queries):
    visit(bob, now)
    with django_assert_num_queries(1):  # The state.
        visit(bob, now + timedelta(minutes=59))
    visit(bob, now + timedelta(minutes=61))
    assert Reader.objects.get().seen_at == now + timedelta(minutes=61)


@pytest.mark.django_db(transaction=True)
def test_an_owner_who_cannot_be_filled_in_is_retried_after_the_others(alice, bob, carol, away, now):
    carols = Dormant.objects.create(owner=carol)
    publish(alice, now)
    Dormant.objects.filter(owner=bob).update(returned_at=now)
    Dormant.objects.filter(pk=carols.pk).update(returned_at=now + timedelta(seconds=1))
    with refused("social_follow", unless=f"dormant OR follower_id <> {bob.pk}"):
        assert dormancy.wake_returned(limit=1) == 0
        assert dormancy.wake_returned(limit=1) == 1
    assert Dormant.objects.get().owner_id == bob.pk
    assert shown(bob) != []


@pytest.mark.django_db(transaction=True)
def test_an_owner_who_cannot_become_dormant_does_not_hold_up_others(
    alice, bob, carol, now, settings
):
    relations.follow(carol, alice, now=now)
    before = now - settings.TIMELINE_DORMANT_AFTER - timedelta(seconds=1)
    for user in (bob, carol):
        visit(user, before)
    with refused("social_follow", unless=f"NOT dormant OR follower_id <> {bob.pk}"):
        assert dormancy.put_to_sleep(now=now) == 1
    assert Dormant.objects.get().owner_id == carol.pk
