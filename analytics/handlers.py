"""Every event is recorded, in the transaction of its inbox row."""

from django.utils import timezone

from analytics.recording import record
from events.envelope import Event


def on_events(events: list[Event]) -> None:
    record(events, now=timezone.now())
