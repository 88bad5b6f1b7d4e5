"""Ten thousand dead letters, replayed from the admin in one action.

It takes 15 s, because the promise is of that many.
"""

import json
import os
from datetime import timedelta

import pytest
from django.db.models import Max, Min
from django.utils import timezone

from events.models import DeadLetter, InboxEntry, OutboxEvent
from events.publisher import Publisher
from events.registry import subscribers
from events.relay import relay_batch
from events.tasks import replay_letters
from tests.bus import depth, post_created, work_off
from tests.events.test_letters_admin import act, staff
from tests.events.test_processing import QUEUE, Recording

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 10_000
RATE = 5_000


@pytest.fixture
def letters() -> None:
    now = timezone.now()
    DeadLetter.objects.bulk_create(
        DeadLetter(
            queue=QUEUE,
            message_id=f"evt_{number}",
            event_type="post.created",
            exception_type="ValueError",
            body=post_created(number, event_id=f"evt_{number}"),
            first_failed_at=now,
            last_failed_at=now,
        )
        for number in range(1, COUNT + 1)
    )


def test_ten_thousand_letters_are_counted_then_replayed_paced_by_a_task(client, letters, broker):
    client.force_login(staff("view_deadletter", "replay_deadletter"))
    shown = DeadLetter.objects.order_by("pk")[:1]
    everything = {"select_across": "1"}
    page = act(client, "replay_selected", shown, "?exception_type=ValueError", **everything)
    assert page.context["count"] == COUNT
    confirmed = {**everything, "confirmed": "yes", "rate": str(RATE)}
    page = act(client, "replay_selected", shown, "?exception_type=ValueError", **confirmed)
    assert "Replay of 10,000 letters has started" in page.content.decode()
    # The page has answered, and has only enqueued one task.
    assert not OutboxEvent.objects.exists()
    message = broker.channel().basic_get("events.low", no_ack=True)
    assert depth(broker, "events.low") == 0

    _, arguments, _ = json.loads(message.body)
    replay_letters(**arguments)
    due = OutboxEvent.objects.aggregate(first=Min("due_at"), last=Max("due_at"))
    assert due["last"] - due["first"] == timedelta(seconds=(COUNT - 1) / RATE)
    publisher = Publisher(os.environ["BROKER_URL"])
    while OutboxEvent.objects.filter(published_at=None).exists():
        relay_batch(publisher)
    publisher.close()
    others = [each.queue for each in subscribers.values() if each.queue != QUEUE]
    assert [depth(broker, name) for name in (QUEUE, *others)] == [COUNT, 0, 0]

    healed = Recording()
    work_off(healed.subscriber, COUNT)
    assert sorted(post for call in healed.calls for post in call) == [*range(1, COUNT + 1)]
    assert InboxEntry.objects.count() == COUNT
    assert not DeadLetter.objects.filter(state=DeadLetter.State.OPEN).exists()
