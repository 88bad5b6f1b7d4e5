"""The event type that timelines emit: timeline.delivered, after slices were written."""

import msgspec

from events.envelope import Moment, RowId
from events.registry import EventType, register_event_type


class DeliveredSlice(msgspec.Struct):
    """A written slice: `rows` followers now have the post, which was created at `posted_at`."""

    post_id: RowId
    author_id: RowId
    rows: int
    posted_at: Moment


class TimelineDelivered(msgspec.Struct):
    """The slices that one transaction has written. They share a message, because one message per
    slice would cost as much as writing its rows."""

    slices: list[DeliveredSlice]


register_event_type(EventType("timeline.delivered", "deliveries.fanout", TimelineDelivered))
