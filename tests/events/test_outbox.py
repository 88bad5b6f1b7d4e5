from datetime import timedelta

import msgspec
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events import outbox
from events.models import OutboxEvent
from social import posts
from social.models import Post

pytestmark = pytest.mark.django_db


def test_a_post_and_its_event_are_written_together(alice, now):
    post = posts.publish(alice, "Hello world!", now=now)
    event = OutboxEvent.objects.get()
    assert (event.exchange, event.routing_key) == ("posts.fanout", "post.created")
    assert event.properties == {"message_id": event.event_id, "type": "post.created"}
    assert event.headers["traceparent"].startswith("00-")
    assert msgspec.json.decode(event.body) == {
        "event_id": event.event_id,
        "event_type": "post.created",
        "timestamp": "2026-01-15T10:30:00Z",
        "data": {
            "post_id": post.pk,
            "author_id": alice.pk,
            "content": "Hello world!",
            "created_at": "2026-01-15T10:30:00Z",
        },
    }


def test_a_rolled_back_post_leaves_no_event(alice, now):
    class Change(Exception):
        pass

    def change_the_mind():
        with transaction.atomic():
            posts.publish(alice, "never mind", now=now)
            raise Change

    with pytest.raises(Change):
        change_the_mind()
    assert not Post.objects.exists()
    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_is_refused(alice, now):
    with pytest.raises(outbox.OutsideTransactionError):
        Post.objects.create(author=alice, content="hello", created_at=now)
    # The post was written before the error: it must not stay without its event.
    assert not OutboxEvent.objects.exists()


def test_deleting_a_post_records_one_event(post, now):
    posts.delete(post, now=now)
    posts.delete(post, now=now)
    assert OutboxEvent.objects.filter(routing_key="post.deleted").count() == 1


def test_pending_messages_are_counted_again_only_if_the_limit_could_be_exceeded(
    alice, now, django_assert_num_queries
):
    length = outbox.Length()
    posts.publish(alice, "one", now=now)
    assert not length.exceeds(3)
    for number in range(2):
        posts.publish(alice, f"{number} more", now=now)
    with django_assert_num_queries(1):
        assert not length.exceeds(3)
    OutboxEvent.objects.update(published_at=now)
    posts.publish(alice, "a fourth one, which alone still waits", now=now)
    with django_assert_num_queries(2):
        assert not length.exceeds(3)
    for number in range(3):
        posts.publish(alice, f"{number} more", now=now)
    assert length.exceeds(3)
    OutboxEvent.objects.update(published_at=now)
    assert not length.exceeds(3)


def replay(count: int, due_at) -> None:
    """Rows with due times in the future, like those of a paced replay."""
    OutboxEvent.objects.bulk_create(
        OutboxEvent(
            event_id=f"evt_replayed_{number}",
            routing_key="timeline.worker",
            body=b"",
            created_at=timezone.now(),
            due_at=due_at,
        )
        for number in range(count)
    )


def test_messages_that_are_due_later_do_not_count_yet(db):
    replay(5, timezone.now() + timedelta(hours=1))
    assert not outbox.Length().exceeds(4)
    assert outbox.pending() == {}


def test_messages_that_become_due_count_even_if_nothing_is_recorded(db):
    replay(5, timezone.now() + timedelta(hours=1))
    length = outbox.Length()
    assert not length.exceeds(4)
    OutboxEvent.objects.update(due_at=timezone.now() - timedelta(seconds=7))
    assert length.exceeds(4)
    assert outbox.pending()["timeline.worker"] == outbox.Pending(5, pytest.approx(7, abs=2))
    assert outbox.total(outbox.pending(limit=3).values()).count == 3


def test_a_replay_that_is_due_later_is_counted_fully_once_a_minute(db):
    replay(5, timezone.now() + timedelta(hours=1))
    length = outbox.Length()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            assert not length.exceeds(4)
    assert ["infinity" in query["sql"] for query in queries if "LIMIT" in query["sql"]] == [
        True,
        False,
        False,
    ]
