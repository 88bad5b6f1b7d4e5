"""The ledger of pushes with overlapping slices, which a repair may enqueue, and the work of the
statements."""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from fanout import ledger, partitions
from fanout.slices import END, Slice
from notifications.delivery import pushing, settling
from notifications.delivery.claims import Push
from notifications.delivery.outcomes import Outcome, State
from notifications.models import SliceRecord
from social import posts, relations
from tests.conftest import make_user
from tests.notifications.conftest import register
from tests.plans import rows_processed, statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def readers(alice, service, now) -> list[int]:
    """Four followers of Alice's, each with a device."""
    users = [make_user(f"reader-{number}") for number in range(4)]
    for user in users:
        relations.follow(user, alice, now=now)
        register(user, service, now)
    return [user.pk for user in users]


@pytest.mark.parametrize(
    "ranges",
    [
        [(None, None), (None, 1), (1, None)],
        [(None, 1), (None, None)],
        [(0, 2), (None, None)],
        [(None, 2), (1, None), (0, 2)],
    ],
)
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("twice", [True, False])
def test_a_push_in_several_slices_counts_once(alice, readers, ranges, together, twice, now):
    post = posts.publish(alice, "hi", now=now)
    slices = [
        Slice(post.pk, 0 if a is None else readers[a], END if b is None else readers[b])
        for a, b in ranges
    ]
    for batch in ([slices] if together else [[slice_] for slice_ in slices]) * (1 + twice):
        pushing.push_slices(batch, task=uuid4(), clock=lambda: now)
    assert sum(record.rows for record in SliceRecord.objects.all()) == 4
    assert ledger.holes(SliceRecord, [post.pk]) == {post.pk: []}


# As the planner knows the table after a quiet hour: every push is sent, none is being sent.
SENT = """
    INSERT INTO notifications_delivery (post_id, subscription_id, recipient_id, host, summary,
        state, attempts, reason, created_at)
    SELECT post, device, device, '', false, 'sent', 1, '', now()
    FROM generate_series(%s::bigint, %s::bigint) AS post, generate_series(1, 1000) AS device
"""
BEING_SENT = "UPDATE notifications_delivery SET state = 'sending', due_at = %s WHERE post_id = %s"


@pytest.fixture
def sending() -> list[Push]:
    """300 pushes of one post that are being sent, while the planner believes that none is."""
    partitions.ensure("notifications_delivery", [30_000_000])
    with connection.cursor() as cursor:
        cursor.execute(SENT, [30_000_000, 30_000_100])
        cursor.execute("ANALYZE notifications_delivery")
        cursor.execute(BEING_SENT, [timezone.now(), 30_000_050])
    return [Push(30_000_050, device, 1, None, None, None, None) for device in range(1, 301)]


def rows_per_push(act: Callable[[], object], pushes: list[Push]) -> float:
    """The rows that the statements about deliveries processed for each push."""
    with statements() as executed:
        act()
    costs = [rows_processed(*each) for each in executed if "notifications" in each[0]]
    return sum(costs) / len(pushes)


def test_pushes_that_are_settled_are_looked_up_once_each(sending, now):
    outcomes = [Outcome(push, State.SENT, now) for push in sending]
    assert 1 < rows_per_push(lambda: settling.settle(outcomes, {}, now=now), sending) < 20


def test_pushes_that_are_settled_later_are_looked_up_once_each(sending, now):
    act = partial(settling.settle, [], {}, now=now, in_flight=sending)
    assert 1 < rows_per_push(act, sending) < 20
