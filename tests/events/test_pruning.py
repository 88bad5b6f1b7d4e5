from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import DeadLetter, InboxEntry, OutboxEvent
from events.pruning import prune

pytestmark = pytest.mark.django_db
NOW = timezone.now()
AGES = {"old": timedelta(days=400), "new": timedelta(hours=1)}


def test_old_rows_are_deleted_in_batches_and_others_stay():
    for age, past in AGES.items():
        for n in range(5):
            InboxEntry.objects.create(
                subscriber="s", event_id=f"{age}{n}", body_hash=b"", received_at=NOW - past
            )
    assert prune(batch=2)["EVENTS_KEEP_INBOX"] == 5
    assert {entry.event_id[:3] for entry in InboxEntry.objects.all()} == {"new"}


@pytest.mark.parametrize(("published", "left"), [("old", 0), ("new", 1), (None, 1)])
def test_an_event_that_is_still_to_be_published_is_never_pruned(published, left):
    OutboxEvent.objects.create(
        body=b"",
        created_at=NOW - AGES["old"],
        due_at=NOW - AGES["old"],
        published_at=published and NOW - AGES[published],
    )
    prune()
    assert OutboxEvent.objects.count() == left


@pytest.mark.parametrize(("state", "left"), [("open", 1), ("replayed", 0), ("discarded", 0)])
def test_a_letter_that_waits_for_an_operator_is_never_pruned(state, left):
    DeadLetter.objects.create(
        queue="q",
        message_id="m",
        body=b"",
        state=state,
        first_failed_at=NOW - AGES["old"],
        last_failed_at=NOW - AGES["old"],
    )
    prune()
    assert DeadLetter.objects.count() == left
