from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import EventRecord
from analytics.recording import record
from analytics.subscriber import TAKEN
from events.registry import decode_event, event_types
from tests.analytics.records import DAY, event
from tests.bus import post_created

pytestmark = pytest.mark.django_db


def test_the_text_of_a_post_is_not_recorded():
    record([decode_event(post_created(7), None)], now=timezone.now())
    assert set(EventRecord.objects.get().data) == {"post_id", "author_id", "created_at"}


def test_every_event_type_is_recorded():
    assert set(TAKEN) == set(event_types)


def test_an_event_is_recorded_once():
    assert record([event("e1", "post.created"), event("e2", "post.created", day=16)], now=DAY) == 2
    assert record([event("e1", "post.created"), event("e3", "post.created")], now=DAY) == 1
    assert EventRecord.objects.count() == 3


def test_an_event_dated_into_the_future_is_recorded_as_now():
    now = DAY - timedelta(days=1, hours=5)
    record([event("e1", "post.created", day=16)], now=now)
    assert EventRecord.objects.get().occurred_at == now
