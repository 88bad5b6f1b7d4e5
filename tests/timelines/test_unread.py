import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fanout import ledger
from fanout.slices import END, Slice
from social import posts
from tests.api import assert_problem, client_of
from timelines import dormancy, fanout, reading, unread, watermark
from timelines.models import Dormant, Reader

pytestmark = pytest.mark.django_db
COUNT = "/api/v1/timeline/unread-count/"
READ = "/api/v1/timeline/read/"


@pytest.fixture
def written(alice, bob, now) -> list[int]:
    ids = [posts.publish(alice, f"post {number}", now=now).pk for number in range(4)]
    fanout.write([Slice(pk, 0, END) for pk in ids], now=now)
    return ids


def test_posts_are_unread_until_they_are_marked(bob, written):
    client = client_of(bob)
    assert client.get(COUNT).json() == {"count": 4, "more": False}
    assert client.post(READ, {"up_to": written[2]}, format="json").status_code == 204
    assert client.get(COUNT).json() == {"count": 1, "more": False}


def test_a_mark_never_goes_back(bob, written):
    client = client_of(bob)
    for up_to in (written[3], written[0]):
        client.post(READ, {"up_to": up_to}, format="json")
    assert client.get(COUNT).json()["count"] == 0


def test_a_mark_beyond_the_newest_post_leaves_later_posts_unread(alice, bob, written, now):
    client = client_of(bob)
    assert client.post(READ, {"up_to": 2**63 - 1}, format="json").status_code == 204
    assert client.get(COUNT).json()["count"] == 0
    post = posts.publish(alice, "later", now=now)
    fanout.write([Slice(post.pk, 0, END)], now=now)
    assert client.get(COUNT).json()["count"] == 1


def test_counting_takes_as_many_queries_however_many_are_unread(bob, written):
    client = client_of(bob)
    client.get(COUNT)
    taken = []
    for up_to in (written[2], written[3]):
        with CaptureQueriesContext(connection) as queries:
            client.get(COUNT)
        taken.append(len(queries))
        client.post(READ, {"up_to": up_to}, format="json")
    assert taken[0] == taken[1]


def test_a_deleted_post_is_not_counted(alice, bob, written, now):
    posts.delete(alice.posts.get(pk=written[0]), now=now)
    assert client_of(bob).get(COUNT).json()["count"] == 3


def test_no_more_are_counted_than_a_page_shows(bob, written, now):
    assert unread.count(bob.pk, reading.state(bob.pk), most=3) == unread.Unread(3, True)
    unread.mark_read(bob.pk, written[0], now=now)
    assert unread.count(bob.pk, reading.state(bob.pk), most=3) == unread.Unread(3, False)


@pytest.fixture
def late(alice, bob, now) -> list[int]:
    """Four posts; the rows of the second one are still to be written."""
    ids = [posts.publish(alice, f"post {number}", now=now).pk for number in range(4)]
    fanout.write([Slice(pk, 0, END) for pk in ids if pk != ids[1]], now=now)
    return ids


def unread_of(user) -> int:
    return unread.count(user.pk, reading.state(user.pk)).count


@pytest.mark.parametrize("known_complete", [True, False])
def test_a_post_that_comes_below_the_mark_is_unread_until_it_is_marked(
    bob, late, now, known_complete
):
    if known_complete:  # The watermark stops before the late post.
        watermark.raise_(now=now)
    unread.mark_read(bob.pk, late[3], now=now)
    assert unread_of(bob) == 0
    fanout.write([Slice(late[1], 0, END)], now=now)
    assert unread_of(bob) == 1
    watermark.raise_(now=now)
    assert unread_of(bob) == 1
    # An older mark of another device changes nothing.
    unread.mark_read(bob.pk, late[0], now=now)
    assert unread_of(bob) == 1
    unread.mark_read(bob.pk, late[1], now=now)
    assert unread_of(bob) == 0


def test_a_late_post_that_is_shown_already_is_read_with_the_others(bob, late, now):
    watermark.raise_(now=now + ledger.LATE * 2)
    assert unread_of(bob) == 4
    unread.mark_read(bob.pk, late[3], now=now)
    assert unread_of(bob) == 0
    fanout.write([Slice(late[1], 0, END)], now=now)
    assert unread_of(bob) == 0


def test_a_post_that_is_late_for_long_is_unread_as_soon_as_it_is_shown(bob, late, now):
    unread.mark_read(bob.pk, late[3], now=now)
    watermark.raise_(now=now + ledger.LATE * 2)
    assert unread_of(bob) == 1


def test_a_mark_of_a_dormant_owner_covers_posts_without_rows(bob, late, now):
    Dormant.objects.create(owner=bob)
    assert unread_of(bob) == 4
    unread.mark_read(bob.pk, late[3], now=now)
    dormancy.rebuild(bob.pk, now=now)
    assert unread_of(bob) == 0


def test_posts_below_the_stored_ids_count_as_read(bob, late, now):
    unread.mark_read(bob.pk, late[3], now=now, remembered=2)
    fanout.write([Slice(late[1], 0, END)], now=now)
    assert unread_of(bob) == 0
    assert Reader.objects.get().read_above == late[2:]


def test_a_mark_from_before_there_were_floors_counts_as_a_floor(bob, written, now):
    Reader.objects.create(owner=bob, seen_at=now, read_up_to=written[2])
    assert unread_of(bob) == 1
    unread.mark_read(bob.pk, written[3], now=now)
    assert unread_of(bob) == 0


@pytest.mark.parametrize("up_to", [0, -1, 2**63, "x", None, 1.5, [1]])
def test_a_value_that_is_not_a_post_id_is_refused(bob, up_to):
    answer = client_of(bob).post(READ, {"up_to": up_to}, format="json")
    assert_problem(answer, 400, "up_to")
