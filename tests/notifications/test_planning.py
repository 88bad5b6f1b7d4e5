import pytest

from notifications.models import Preference
from notifications.planning import plan
from social import relations
from social.slices import END
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def followers(alice, now):
    """Six followers of Alice's; the first, third and fifth want to be told."""
    users = [make_user(f"follower-{n}") for n in range(6)]
    for user in users:
        relations.follow(user, alice, now=now)
    for user in users[::2]:
        Preference.objects.create(user=user)
    return users


@pytest.mark.parametrize(("size", "count"), [(1, 3), (2, 2), (3, 1), (100, 1)])
def test_slices_hold_equal_numbers_of_those_who_want_to_be_told(alice, followers, size, count):
    slices = plan([(1, alice.pk)], size)
    assert len(slices) == count
    assert slices[0].after == 0
    assert slices[-1].up_to == END
    assert [a.up_to for a in slices[:-1]] == [b.after for b in slices[1:]]


def test_who_switched_push_off_is_not_counted(alice, followers):
    Preference.objects.update(push_enabled=False)
    assert plan([(1, alice.pk)], 10) == []


def test_a_post_that_nobody_wants_to_be_told_of_costs_no_task(carol):
    assert plan([(1, carol.pk)], 10) == []
