"""The event that timelines emit: a slice of a post's fan-out is written."""

import msgspec

from events.envelope import Moment, RowId
from events.registry import EventType, register_event_type


class TimelineDelivered(msgspec.Struct):
    """`rows` timeline rows of the post were written; `posted_at` is when it was created."""

    post_id: RowId
    author_id: RowId
    rows: int
    posted_at: Moment


register_event_type(EventType("timeline.delivered", "deliveries.fanout", TimelineDelivered))
