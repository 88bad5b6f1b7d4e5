"""The contents of the tables at the end of a run, for the oracle to judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from devtools.lab.database import query
from devtools.lab.records import daily_counts, pending

POSTS = "SELECT id, author_id, content FROM social_post WHERE deleted_at IS NULL"
FOLLOWS = "SELECT follower_id, followee_id FROM social_follow"
MUTES = "SELECT muter_id, muted_id FROM social_mute"
ENTRIES = "SELECT owner_id, post_id FROM timelines_timelineentry"
EVENTS = """
    SELECT event_id, min(routing_key) FILTER (WHERE exchange <> ''),
           (min(convert_from(body, 'UTF8'))::jsonb #>> '{data,post_id}')::bigint
    FROM events_outboxevent WHERE event_id LIKE 'evt\\_%' GROUP BY event_id
    HAVING bool_or(exchange <> '')
"""
INBOX = "SELECT subscriber, event_id FROM events_inboxentry"
LETTERS = """
    SELECT queue, message_id, exception_type, exception_message
    FROM events_deadletter WHERE state = 'open'
"""
LEDGER = "SELECT count(*), coalesce(sum(rows), 0)::bigint FROM timelines_slicerecord"
DELIVERED = """
    SELECT count(*), coalesce(sum((slice ->> 'rows')::bigint), 0)::bigint
    FROM analytics_eventrecord, jsonb_array_elements(data -> 'slices') AS slice
    WHERE event_type = 'timeline.delivered'
"""
REASONS = """
    SELECT exception_type, exception_message FROM events_deadletter
    WHERE queue = %(queue)s AND state = 'open'
"""


class Post(NamedTuple):
    author: int
    content: str


class Letter(NamedTuple):
    queue: str
    message_id: str
    exception_type: str
    message: str


@dataclass
class FinalState:
    """Ids are those of the tables. `entries` is a list, because rows could be doubled. `events` has
    type and post id (or None) by event id. `ledger` and `delivered` are (slices, rows). `shown` has
    the post ids that the API shows, by user."""

    posts: dict[int, Post] = field(default_factory=dict)
    follows: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)
    entries: list[tuple[int, int]] = field(default_factory=list)
    events: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    pending: int = 0
    inbox: list[tuple[str, str]] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    ledger: tuple[int, int] = (0, 0)
    delivered: tuple[int, int] = (0, 0)
    daily: Mapping[str, int] = field(default_factory=dict)
    depths: Mapping[str, int] = field(default_factory=dict)
    shown: Mapping[int, list[int]] = field(default_factory=dict)


def read(connection, depths: Mapping[str, int]) -> FinalState:
    """Read the tables; `depths` are the numbers of messages by queue."""
    return FinalState(
        posts={pk: Post(author, text) for pk, author, text in query(connection, POSTS)},
        follows=set(query(connection, FOLLOWS)),
        mutes=set(query(connection, MUTES)),
        entries=query(connection, ENTRIES),
        events={row[0]: (row[1], row[2]) for row in query(connection, EVENTS)},
        pending=pending(connection),
        inbox=query(connection, INBOX),
        letters=[Letter(*row) for row in query(connection, LETTERS)],
        ledger=query(connection, LEDGER)[0],
        delivered=query(connection, DELIVERED)[0],
        daily=daily_counts(connection),
        depths={name: count for name, count in depths.items() if count},
    )


def letters(connection, queue: str) -> list[str]:
    """The reasons of a queue's open dead letters."""
    found = query(connection, REASONS, {"queue": queue})
    return [f"{name} {message}".strip() for name, message in found]
