"""An operator's way through the pages, from the operations page to replayed letters."""

import os
import re

import pytest
from django.db import connection
from django.utils import timezone

from events.models import DeadLetter
from events.publisher import Publisher
from events.relay import relay_batch
from events.tasks import replay_letters
from social import posts
from tests.bus import depth, put
from tests.waiting import until

pytestmark = pytest.mark.django_db
PAGE = "/admin/operations/status/"
LETTERS = 1_000


@pytest.fixture
def publisher(broker):
    publisher = Publisher(os.environ["BROKER_URL"])
    yield publisher
    publisher.close()


def test_the_lag_is_read_from_the_page(admin_client, alice, broker):
    for _ in range(3):
        put(broker, "timeline.worker", b"{}")
    until(lambda: depth(broker, "timeline.worker") == 3)
    page = admin_client.get(PAGE).content.decode()
    row = re.search(r"<th>timelines</th>(.*?)</tr>", page, re.S).group(1)
    assert re.findall(r"<td>(.*?)</td>", row)[:4] == ["yes", "0.0 s", "30 s", "3"]


def test_a_thousand_letters_are_replayed_after_their_cause_is_gone(
    admin_client, alice, publisher, dead_letter, broker
):
    post = posts.publish(alice, "hi", now=timezone.now())
    for number in range(LETTERS):
        dead_letter(post.pk, "timelines.high", number)
    # 1. The page shows them as one group, and its link lists exactly them.
    page = admin_client.get(PAGE).content.decode()
    link = re.search(r'<a href="(\S*deadletter/\S*)">1,000</a>', page).group(1)
    link = link.replace("&amp;", "&")
    assert admin_client.get(link).context["cl"].result_count == LETTERS
    # 2. The operator selects all of them, and confirms.
    first = DeadLetter.objects.first()
    chosen = {
        "action": "replay_selected",
        "_selected_action": [str(first.pk)],
        "select_across": "1",
    }
    assert f"Replay {LETTERS:,} dead letters?" in admin_client.post(link, chosen).content.decode()
    confirmed = chosen | {"confirmed": "yes", "rate": "10000"}
    answer = admin_client.post(link, confirmed, follow=True).content.decode()
    assert f"Replay of {LETTERS:,} letters has started" in answer
    # 3. Do what the worker and the relay do then.
    assert depth(broker, "events.low") == 1
    replay_letters(selection={"queue": "timelines.high", "exception_type": "ValueError"}, rate=1e4)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_outboxevent SET due_at = created_at")
    while relay_batch(publisher):
        pass
    until(lambda: depth(broker, "timelines.high") == LETTERS)
    assert not DeadLetter.objects.filter(state="open").exists()
    assert "None." in admin_client.get(PAGE).content.decode()
