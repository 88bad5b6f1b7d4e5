"""The event that timelines emit: slices of posts' fan-outs are written."""

import msgspec

from events.envelope import Moment, RowId
from events.registry import EventType, register_event_type


class DeliveredSlice(msgspec.Struct):
    """`rows` followers have the post in their timelines; `posted_at` is when it was created."""

    post_id: RowId
    author_id: RowId
    rows: int
    posted_at: Moment


class TimelineDelivered(msgspec.Struct):
    """What one transaction has written; a message for each slice would cost as much as its rows."""

    slices: list[DeliveredSlice]


register_event_type(EventType("timeline.delivered", "deliveries.fanout", TimelineDelivered))
