import msgspec

from events.envelope import RowId
from events.registry import EventType, register_event_type


class CommentCreated(msgspec.Struct):
    comment_id: RowId
    post_id: RowId
    text: str


register_event_type(EventType("comment.created", "comments.fanout", CommentCreated))
