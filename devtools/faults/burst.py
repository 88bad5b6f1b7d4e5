"""Writes very many posts at once, straight into the tables, together with their events."""

from devtools.lab.database import query

BURST = """
    WITH made AS (
        INSERT INTO social_post (author_id, content, created_at)
        SELECT author, 'burst ' || number, statement_timestamp()
        FROM unnest(%(authors)s::bigint[]) AS author, generate_series(1, %(each)s) AS number
        RETURNING id, author_id, content,
                  to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
    ), event AS (
        SELECT 'evt_burst' || id AS event_id, at, json_build_object(
            'post_id', id, 'author_id', author_id, 'content', content, 'created_at', at
        ) AS data FROM made
    ), recorded AS (
        INSERT INTO events_outboxevent (
            event_id, exchange, routing_key, headers, properties, body,
            created_at, due_at, attempts, last_error
        )
        SELECT event_id, 'posts.fanout', 'post.created', '{}',
               json_build_object('message_id', event_id, 'type', 'post.created'),
               convert_to(json_build_object(
                   'event_id', event_id, 'event_type', 'post.created',
                   'timestamp', at, 'data', data
               )::text, 'UTF8'),
               statement_timestamp(), statement_timestamp(), 0, ''
        FROM event RETURNING 1
    )
    SELECT count(*) FROM recorded
"""


def burst(connection, authors: list[int], each: int) -> int:
    """Write `each` posts by every author; return the number of posts."""
    made = query(connection, BURST, {"authors": authors, "each": each})[0][0]
    query(connection, "NOTIFY events_outbox; SELECT 1")
    return made
