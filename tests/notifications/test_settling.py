"""The ledger of pushes with overlapping slices, which a repair may enqueue."""

from uuid import uuid4

import pytest

from notifications import pushing
from notifications.models import SliceRecord
from social import ledger, posts, relations
from social.slices import END, Slice
from tests.conftest import make_user
from tests.notifications.conftest import register

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
