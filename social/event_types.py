"""The event types that the social core emits, with the schemas of their data."""

import msgspec

from events.envelope import Moment, RowId
from events.registry import EventType, register_event_type

POSTS = "posts.fanout"
USERS = "users.fanout"


class PostCreated(msgspec.Struct):
    post_id: RowId
    author_id: RowId
    content: str
    created_at: Moment


class PostEdited(msgspec.Struct):
    post_id: RowId
    author_id: RowId
    content: str
    edited_at: Moment


class PostDeleted(msgspec.Struct):
    post_id: RowId
    author_id: RowId
    deleted_at: Moment


class FollowChanged(msgspec.Struct):
    """Data of user.followed and user.unfollowed."""

    follower_id: RowId
    followee_id: RowId


class UserBlocked(msgspec.Struct):
    blocker_id: RowId
    blocked_id: RowId


class UserClosed(msgspec.Struct):
    """Data of user.closed. Each of the account's posts also gets a post.deleted event; its follows
    end without user.unfollowed events."""

    user_id: RowId


for _name, _exchange, _schema in (
    ("post.created", POSTS, PostCreated),
    ("post.edited", POSTS, PostEdited),
    ("post.deleted", POSTS, PostDeleted),
    ("user.followed", USERS, FollowChanged),
    ("user.unfollowed", USERS, FollowChanged),
    ("user.blocked", USERS, UserBlocked),
    ("user.closed", USERS, UserClosed),
):
    register_event_type(EventType(_name, _exchange, _schema))
