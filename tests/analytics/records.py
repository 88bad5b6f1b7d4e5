"""Events as the handler of analytics gets them."""

from datetime import UTC, datetime

import msgspec

from events.envelope import Event
from events.registry import decode_event

# A time after all of these events.
DAY = datetime(2026, 1, 17, tzinfo=UTC)


def event(event_id: str, event_type: str, day: int = 15, **data) -> Event:
    """An event in the last second of the given day of January, about post 1 of user 2."""
    moment = f"2026-01-{day}T23:59:59Z"
    data = {"post_id": 1, "author_id": 2, "content": "hi", "posted_at": moment} | data
    data |= {"created_at": moment, "edited_at": moment}
    if event_type == "timeline.delivered":
        data = {"slices": [data]}
    envelope = {"event_id": event_id, "event_type": event_type, "timestamp": moment, "data": data}
    return decode_event(msgspec.json.encode(envelope), None)
