import threading

import pytest
from django.db import connection, transaction

from fanout.slices import END
from notifications.models import Preference, PushedAuthor
from notifications.planning import COUNTS, plan
from social import relations
from tests.conftest import make_user
from tests.plans import executed_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def followers(alice, now):
    """Six followers of Alice's; the first, third and fifth have push enabled."""
    users = [make_user(f"follower-{n}") for n in range(6)]
    for user in users:
        relations.follow(user, alice, now=now)
    for user in users[::2]:
        Preference.objects.create(user=user)
    return users


@pytest.mark.parametrize(("size", "count"), [(1, 3), (2, 2), (3, 1), (100, 1)])
def test_slices_hold_equal_numbers_of_push_subscribers(alice, followers, size, count):
    slices = plan([(1, alice.pk)], size)
    assert len(slices) == count
    assert slices[0].after == 0
    assert slices[-1].up_to == END
    assert [a.up_to for a in slices[:-1]] == [b.after for b in slices[1:]]


def test_a_follower_who_switched_push_off_is_not_counted(alice, followers):
    Preference.objects.update(push_enabled=False)
    assert plan([(1, alice.pk)], 10) == []


def test_a_post_without_push_subscribers_makes_no_task(carol):
    assert plan([(1, carol.pk)], 10) == []


def test_followers_of_authors_without_push_subscribers_are_not_read(alice, followers, now):
    """Otherwise planning a burst of their posts would take long."""
    others = [make_user(f"author-{n}") for n in range(3)]
    for author in others:
        for user in followers[1::2]:
            relations.follow(user, author, now=now)
    with connection.cursor() as cursor:
        # Without this the planner would read such small tables whole.
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    plan_nodes = executed_plan(COUNTS, [[author.pk for author in others]])
    follows = [node for node in plan_nodes if "social_follow" in str(node)]
    assert all(node["Actual Rows"] == 0 for node in follows)
    assert plan([(n, author.pk) for n, author in enumerate(others)], 10) == []


def test_a_follower_who_turns_push_on_later_counts(alice, bob):
    Preference.objects.create(user=bob, push_enabled=False)
    assert not PushedAuthor.objects.exists()
    Preference.objects.update(push_enabled=True)
    assert [author.pk for author in PushedAuthor.objects.all()] == [alice.pk]
    assert len(plan([(1, alice.pk)], 10)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["follow", "preference"])
def test_a_follow_and_a_preference_written_at_once_see_each_other(alice, carol, first, now):
    acts = {
        "follow": lambda: relations.follow(carol, alice, now=now),
        "preference": lambda: Preference.objects.create(user=carol),
    }
    (other,) = acts.keys() - {first}
    done = threading.Event()

    def write_other() -> None:
        acts[other]()
        done.set()
        connection.close()

    thread = threading.Thread(target=write_other)
    with transaction.atomic():
        acts[first]()
        thread.start()
        # The other transaction waits, because it cannot see the first one's row yet.
        assert not done.wait(0.5)
    thread.join(10)
    assert PushedAuthor.objects.filter(pk=alice.pk).exists()
