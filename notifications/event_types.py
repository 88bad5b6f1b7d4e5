"""The event that notifications emit: pushes of a post have come to their end."""

import msgspec

from events.envelope import RowId
from events.registry import EventType, register_event_type


class PushSettled(msgspec.Struct):
    """How many pushes of the post were sent, and how many will never be: of these some were
    `refused` for good, and some `expired`. `latency_ms`: of each one sent, since the post.
    `people` have these pushes on their devices."""

    post_id: RowId
    author_id: RowId
    sent: int
    failed: int
    refused: int = 0
    expired: int = 0
    latency_ms: list[int] = []
    people: int = 0


register_event_type(EventType("push.settled", "deliveries.fanout", PushSettled))
