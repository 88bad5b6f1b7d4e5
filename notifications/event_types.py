"""The event that notifications emit: pushes of a post were settled."""

import msgspec

from events.envelope import RowId
from events.registry import EventType, register_event_type


class PushSettled(msgspec.Struct):
    """How many pushes of the post were `sent`, and how many never will be (`failed`); the latter
    include those that were `refused` and those that `expired`. `latency_ms` is the time from the
    post to each sent push. `people` is the number of users whose pushes these are."""

    post_id: RowId
    author_id: RowId
    sent: int
    failed: int
    refused: int = 0
    expired: int = 0
    latency_ms: list[int] = []
    people: int = 0


register_event_type(EventType("push.settled", "deliveries.fanout", PushSettled))
