import pytest
from django.db import connection
from django.utils import timezone

from social import follow_counts, relations
from social.models import Follow
from tests.at_once import at_once
from tests.conftest import make_user

BULK = """
    INSERT INTO social_follow (follower_id, followee_id, created_at)
    SELECT number, %s, now() FROM generate_series(1000000, 1000999) AS number
"""


@pytest.mark.django_db
def test_counts_are_right_after_every_way_of_writing(alice, bob, carol):
    assert follow_counts.read(alice.pk) == (1, 0)
    assert follow_counts.read(bob.pk) == (0, 1)
    with connection.cursor() as cursor:
        cursor.execute(BULK, [alice.pk])
    assert follow_counts.read(alice.pk) == (1_001, 0)
    relations.block(alice, bob, now=timezone.now())
    Follow.objects.filter(followee=alice, follower_id__gte=1_000_500).delete()
    assert follow_counts.read(alice.pk) == (500, 0)
    assert follow_counts.read(bob.pk) == follow_counts.read(carol.pk) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_follows_at_the_same_moment_are_all_counted():
    alice = make_user("alice")
    people = [make_user(f"fan{number}") for number in range(8)]
    left = list(people)
    at_once(lambda: relations.follow(left.pop(), alice, now=timezone.now()), threads=8)
    assert follow_counts.read(alice.pk) == (8, 0)
