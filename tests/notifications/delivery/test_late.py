"""Answers that come after their task has ended. Each push is sent once, whatever happens then."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from fanout import partitions
from fanout.slices import END, Slice
from notifications.delivery import pushing
from notifications.delivery.late import settler
from notifications.models import Delivery, Notification, SliceRecord
from social import posts
from tests.notifications.conftest import register
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

SLOW_SECONDS = 1.0


@pytest.fixture
def post(alice, bob):
    """A post of today, because the thread that settles late outcomes uses the real clock."""
    post = posts.publish(alice, "Hello world!", now=timezone.now())
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, [post.pk])
    return post


@pytest.fixture
def device(bob, service):
    device = register(bob, service, timezone.now())
    service.answer(device.token, "slow", seconds=SLOW_SECONDS)
    yield device
    # The tables are emptied next, so no thread may still be settling.
    until(lambda: not Delivery.objects.filter(state="sending").exists())
    settler().drain(5.0)


def push_post(post, retried: list, task=None) -> list:
    """Send a round of pushes; the outcomes to retry are added to `retried`."""

    def enqueue_retries(outcomes) -> None:
        retried.extend(outcomes)
        connection.close()  # The thread's own connection, which would outlast the test database.

    return pushing.push_slices(
        [Slice(post.pk, 0, END)],
        task=task or uuid4(),
        clock=timezone.now,
        enqueue_retries=enqueue_retries,
    )


def row() -> Delivery:
    return Delivery.objects.get()


@contextmanager
def ledger_away() -> Iterator[None]:
    """Meanwhile the database cannot record slices, which counts as a passing error."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_slicerecord RENAME TO away")
        yield
        cursor.execute("ALTER TABLE away RENAME TO notifications_slicerecord")


def test_a_slow_push_is_settled_later_and_counted_in_its_slice(post, device, service):
    retried = []
    assert push_post(post, retried) == []
    assert row().state == "sending"
    assert SliceRecord.objects.get().rows == 1
    until(lambda: row().state == "sent", 5)
    assert (len(service.receipts), retried) == (1, [])
    assert SliceRecord.objects.get().rows == 1


def test_a_redelivered_task_does_not_repeat_its_late_pushes(post, device, service):
    task, retried = uuid4(), []
    for _ in range(3):
        assert push_post(post, retried, task) == []
    until(lambda: row().state == "sent", 5)
    assert (len(service.receipts), row().attempts, retried) == (1, 1, [])
    assert SliceRecord.objects.get().rows == 1


@pytest.mark.parametrize("slow", [True, False])
def test_a_database_outage_at_the_end_of_a_round_repeats_no_push(post, device, service, slow):
    if not slow:
        service.answer(device.token, 201)
    task, retried = uuid4(), []
    with ledger_away():
        assert push_post(post, retried, task) == []
    until(lambda: row().state == "sent", 10)
    until(SliceRecord.objects.exists, 10)
    assert push_post(post, retried, task) == []
    assert (len(service.receipts), row().attempts, retried) == (1, 1, [])
    assert SliceRecord.objects.get().rows == 1
