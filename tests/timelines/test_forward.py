import pytest

from fanout import ledger
from fanout.slices import END, Slice
from social import posts, relations
from timelines import fanout, forward, reading, watermark
from timelines.forward import Position

pytestmark = pytest.mark.django_db


class Client:
    """A client that keeps a timeline open: reads the first page, and then forward."""

    def __init__(self, owner: int, size: int = 50, lead: int = forward.AHEAD):
        self.owner, self.size, self.lead = owner, size, lead
        known = reading.state(owner)
        page = reading.older(owner, known, size=size)
        self.at = forward.position(owner, known, page, lead=lead)
        self.shown = ids(page)

    def read_forward(self) -> list[int]:
        known = reading.state(self.owner)
        page, self.at = forward.newer(self.owner, known, self.at, self.size, lead=self.lead)
        return ids(page)


def ids(page: reading.Page) -> list[int]:
    return [post.pk for post in page.posts]


def publish(author, count: int, now) -> list[int]:
    return [posts.publish(author, f"post {number}", now=now).pk for number in range(count)]


def write(post_ids, now) -> None:
    fanout.write([Slice(pk, 0, END) for pk in post_ids], now=now)


def test_a_post_whose_rows_come_late_is_not_missed(alice, bob, now):
    early, *others, late = publish(alice, 6, now)
    client = Client(bob.pk)
    write([late], now)
    assert client.read_forward() == [late]
    watermark.raise_(now=now)
    assert client.read_forward() == []
    write([early], now)
    watermark.raise_(now=now)
    assert client.read_forward() == [early]
    write(others, now)
    watermark.raise_(now=now)
    assert client.read_forward() == others[::-1]
    assert client.read_forward() == []
    # The position holds no single ids any more.
    watermark.raise_(now=now)
    client.read_forward()
    assert client.at == Position(late)


def test_a_late_post_that_was_there_before_the_first_page_is_not_missed_either(alice, bob, now):
    late, other = publish(alice, 2, now)
    write([other], now)
    client = Client(bob.pk)
    assert client.shown == [other]
    write([late], now)
    watermark.raise_(now=now)
    assert client.read_forward() == [late]


def test_posts_that_are_there_already_below_the_first_page_are_not_given(alice, bob, now):
    written = publish(alice, 5, now)
    write(written, now)
    client = Client(bob.pk, size=2)
    assert client.shown == written[:2:-1]
    assert client.read_forward() == []
    watermark.raise_(now=now)
    assert client.read_forward() == []


def test_many_new_posts_are_read_page_by_page_oldest_first(alice, bob, now):
    client = Client(bob.pk, size=2)
    written = publish(alice, 5, now)
    write(written, now)
    assert [client.read_forward() for _ in range(4)] == [
        [written[1], written[0]],
        [written[3], written[2]],
        [written[4]],
        [],
    ]


def test_a_post_that_is_late_for_long_is_read_from_its_author_and_given_once(alice, bob, now):
    client = Client(bob.pk)
    late, *others = publish(alice, 4, now)
    write(others, now)
    watermark.raise_(now=now + ledger.LATE * 2)
    assert client.read_forward() == [*others[::-1], late]
    assert client.at == Position(others[-1])
    assert Client(bob.pk).shown == [*others[::-1], late]
    write([late], now)
    watermark.raise_(now=now)
    assert client.read_forward() == []
    assert Client(bob.pk).shown == [*others[::-1], late]


def test_a_post_with_a_late_slice_is_not_given_twice(alice, bob, carol, now):
    relations.follow(carol, alice, now=now)
    client = Client(bob.pk)
    (late,) = publish(alice, 1, now)
    fanout.write([Slice(late, 0, bob.pk)], now=now)
    assert client.read_forward() == [late]
    assert Client(carol.pk).shown == []
    watermark.raise_(now=now + ledger.LATE * 2)
    assert client.read_forward() == []
    assert Client(carol.pk).shown == [late]


def test_even_many_posts_below_the_first_page_are_not_given(alice, bob, now):
    late, *written = publish(alice, 8, now)
    write(written, now)
    client = Client(bob.pk, size=2, lead=2)
    write([late], now)
    watermark.raise_(now=now)
    assert client.read_forward() == []
    new = publish(alice, 1, now)
    write(new, now)
    watermark.raise_(now=now)
    assert client.read_forward() == new


def test_a_client_that_begins_in_a_backlog_is_given_new_posts(alice, bob, now):
    write(publish(alice, 8, now)[1:], now)
    client = Client(bob.pk, size=2, lead=6)
    new = publish(alice, 1, now)
    write(new, now)
    assert client.read_forward() == new


def test_a_client_that_is_far_ahead_of_a_late_post_waits_for_it(alice, bob, now):
    late, *others = publish(alice, 6, now)
    client = Client(bob.pk, lead=3)
    write(others, now)
    assert client.read_forward() == others[2::-1]
    assert client.read_forward() == []
    write([late], now)
    watermark.raise_(now=now)
    assert client.read_forward() == [*others[:2:-1], late]
    assert client.read_forward() == []
