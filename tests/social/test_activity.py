"""Inactive accounts get nothing and nobody sees them, whoever suspended or closed them and how."""

from contextlib import suppress
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from fanout.slices import END, Slice
from notifications.delivery import trials
from notifications.delivery.pushing import push_again, push_slices
from notifications.delivery.retries import Retry
from notifications.models import Delivery, Notification, PushSubscription
from operations.tasks import erase_accounts
from social import accounts, activity, erasure, follow_counts, posts, relations
from social.models import ActivityChange, Follow, User
from tests.api import client_of
from tests.at_once import at_once
from tests.conftest import make_user
from tests.notifications.conftest import device, service  # noqa: F401  (fixtures)
from timelines import dormancy, fanout
from timelines.models import Dormant, TimelineEntry

pytestmark = pytest.mark.django_db


def save(user: User) -> None:
    user.is_active = False
    user.save()


DEACTIVATIONS = {
    "suspended": accounts.suspend,
    "closed": lambda user: accounts.close(user, now=timezone.now()),
    "saved": save,
    "updated": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "by SQL": lambda user: connection.cursor().execute(
        "UPDATE social_user SET is_active = false WHERE id = %s", [user.pk]
    ),
}
every_way = pytest.mark.parametrize("deactivate", DEACTIVATIONS.values(), ids=DEACTIVATIONS)


def people(viewer: User, path: str) -> list[str]:
    answer = client_of(viewer).get(f"/api/v1/users/{path}/").json()
    return [person["username"] for person in answer["results"]]


def counts(user: User) -> tuple[int, int]:
    shown = client_of(user).get(f"/api/v1/users/{user.pk}/").json()
    assert shown["followers"] == len(people(user, f"{user.pk}/followers"))
    assert shown["following"] == len(people(user, f"{user.pk}/following"))
    return shown["followers"], shown["following"]


@every_way
def test_an_inactive_account_is_counted_by_nobody(alice, bob, carol, deactivate):
    for one, other in ((alice, bob), (carol, bob), (carol, alice)):
        relations.follow(one, other, now=timezone.now())
    assert (counts(alice), counts(carol)) == ((2, 1), (0, 2))
    deactivate(bob)
    assert (counts(alice), counts(carol)) == ((1, 0), (0, 1))
    # An unfollow of the inactive account does not lower the count again.
    relations.unfollow(carol, bob)
    assert counts(carol) == (0, 1)


def test_a_reactivated_account_is_counted_again(alice, bob, carol):
    relations.follow(alice, bob, now=timezone.now())
    for _ in range(2):
        accounts.suspend(bob)
        assert counts(alice) == (0, 0)
        accounts.reactivate(bob)
        assert (counts(alice), counts(bob)) == ((1, 1), (1, 1))
    # With both sides suspended, and reactivated one after the other.
    for user in (alice, bob):
        accounts.suspend(user)
    for user in (alice, bob):
        accounts.reactivate(user)
    assert (counts(alice), counts(bob)) == ((1, 1), (1, 1))


def test_counts_of_followers_beyond_the_first_thousands_are_corrected_by_a_periodic_task(alice):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # The planner believes that there are hardly any follows.
        cursor.execute(
            "INSERT INTO social_follow (follower_id, followee_id, created_at)"
            " SELECT number, %s, now() FROM generate_series(1000001, 1012000) AS number",
            [alice.pk],
        )
    accounts.suspend(alice)
    assert follow_counts.read(1_005_000) == (0, 0)
    assert follow_counts.read(1_005_001) == (0, 1)
    erase_accounts()
    assert follow_counts.read(1_005_001) == follow_counts.read(1_012_000) == (0, 0)
    assert not ActivityChange.objects.exists()
    # Reactivated before the task has processed all followers.
    accounts.reactivate(alice)
    accounts.suspend(alice)
    accounts.reactivate(alice)
    activity.settle(batch=1_000)
    assert follow_counts.read(1_000_001) == follow_counts.read(1_012_000) == (0, 1)
    assert follow_counts.read(alice.pk) == (12_000, 0)


def test_the_follows_of_a_closed_account_are_erased_and_not_counted_twice(alice, bob, carol):
    relations.follow(alice, bob, now=timezone.now())
    accounts.close(bob, now=timezone.now())
    erasure.erase_all(now=timezone.now() + 2 * erasure.SETTLED)
    assert not Follow.objects.exists()
    assert counts(alice) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_follow_at_the_moment_of_a_suspension_is_counted_or_refused_not_both():
    for _ in range(5):
        alice, bob = make_user(f"a{timezone.now()}"), make_user(f"b{timezone.now()}")
        actions = [
            lambda bob=bob: accounts.suspend(bob),
            lambda alice=alice, bob=bob: follow_if_possible(alice, bob),
        ]
        at_once(lambda actions=actions: actions.pop()(), threads=2)
        assert follow_counts.read(alice.pk) == (0, 0)
        assert not Follow.objects.filter(followee_out=False).exists()


def follow_if_possible(one: User, other: User) -> None:
    with suppress(User.DoesNotExist):
        relations.follow(one, other, now=timezone.now())


@every_way
def test_nothing_is_written_into_the_timeline_of_an_inactive_account(
    alice, bob, carol, deactivate, now
):
    relations.follow(carol, alice, now=now)
    deactivate(bob)
    # Neither an operator's rebuild nor the owner's return changes that.
    dormancy.rebuild(bob.pk, now=now)
    dormancy.wake(bob.pk)
    post = posts.publish(alice, "Hello world!", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)
    assert [row.owner for row in TimelineEntry.objects.all()] == [carol]


def test_the_timeline_of_a_reactivated_account_shows_all_posts(alice, bob, now):
    accounts.suspend(bob)
    post = posts.publish(alice, "Hello world!", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)

    def shown() -> list[int]:
        answer = client_of(bob).get("/api/v1/timeline/").json()
        return [each["id"] for each in answer["results"]]

    accounts.reactivate(bob)
    assert shown() == [post.pk]
    dormancy.wake_returned()
    assert not Dormant.objects.exists()
    assert shown() == [post.pk]
    assert TimelineEntry.objects.get().owner == bob
    later = posts.publish(alice, "and again", now=now)
    fanout.write([Slice(later.pk, 0, END)], now=now)
    assert TimelineEntry.objects.count() == 2


def test_posts_of_a_suspended_account_are_visible_again_when_it_is_reactivated(
    alice, bob, post, now
):
    fanout.write([Slice(post.pk, 0, END)], now=now)
    client = client_of(bob)
    paths = (f"posts/{post.pk}/", f"users/{alice.pk}/", f"users/{alice.pk}/posts/")
    for change, status, seen in ((accounts.suspend, 404, 0), (accounts.reactivate, 200, 1)):
        change(alice)
        assert {client.get(f"/api/v1/{path}").status_code for path in paths} == {status}
        assert len(client.get("/api/v1/timeline/").json()["results"]) == seen
        assert client.get("/api/v1/timeline/unread-count/").json()["count"] == seen


CLOCK = timezone.now
TASK = UUID(int=1)


@every_way
def test_nothing_is_pushed_to_an_inactive_account(alice, bob, device, deactivate):  # noqa: F811
    registered = PushSubscription.objects.get()
    deactivate(bob)
    # Closing an account deletes its devices. Restore one: it must not be used either.
    if not PushSubscription.objects.exists():
        registered.save(force_insert=True)
    post = posts.publish(alice, "Hello world!", now=timezone.now())
    push_slices([Slice(post.pk, 0, END)], task=TASK, clock=CLOCK)
    trials.send_trial(registered.pk, clock=CLOCK)
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_a_retried_push_is_not_sent_to_an_inactive_account(alice, bob, device):  # noqa: F811
    post = posts.publish(alice, "Hello world!", now=timezone.now())
    push_slices([Slice(post.pk, 0, END)], task=TASK, clock=CLOCK)
    row = Delivery.objects.get()
    Delivery.objects.update(state="retrying", due_at=timezone.now())
    accounts.suspend(bob)
    push_again([Retry(post.pk, row.subscription_id, row.attempts)], task=TASK, clock=CLOCK)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("refused", "the account is not active")
    # After the account is reactivated, its device works as before.
    accounts.reactivate(bob)
    again = posts.publish(alice, "Hello again!", now=timezone.now())
    push_slices([Slice(again.pk, 0, END)], task=UUID(int=2), clock=CLOCK)
    assert Delivery.objects.filter(post=again).count() == 1
