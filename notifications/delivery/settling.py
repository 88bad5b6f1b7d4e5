"""Settles pushes: records how each attempt ended, in one transaction with a `push.settled` event.

Guarantee: an attempt is settled once, and only if no other task has claimed the push since.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from events import outbox
from events.errors import is_data_error
from fanout.slices import Slice
from notifications.delivery.claims import Push, keys
from notifications.delivery.outcomes import Outcome, State
from notifications.event_types import PushSettled
from notifications.metrics import PUSH_SECONDS, PUSHES
from notifications.models import PushSubscription
from notifications.reasons import describe
from social.models import Post

log = structlog.get_logger(__name__)

UNRECORDED = "the outcome could not be recorded"
MILLISECOND = timedelta(milliseconds=1)

# Settles attempts that still hold their claim. A claim counts an attempt; if the push was postponed
# without being sent, the attempt is subtracted again.
# The state is compared with a subquery, whose value the planner does not know. It would expect that
# no push is being sent, because nearly all rows are settled, and would compare each row of the post
# with each outcome, which takes PostgreSQL four times as long.
# Uses the primary key of deliveries (post, subscription).
SETTLE = """
    UPDATE notifications_delivery delivery
    SET state = outcome.state, provider_status = outcome.status, reason = outcome.reason,
        rejected_at = CASE WHEN outcome.status IN (401, 403)
                           THEN coalesce(delivery.rejected_at, outcome.at)
                           ELSE delivery.rejected_at END,
        attempts = delivery.attempts - CASE WHEN outcome.charged THEN 0 ELSE 1 END,
        due_at = outcome.due_at,
        settled_at = CASE WHEN outcome.due_at IS NULL THEN outcome.at END
    FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[], %(attempts)s::int[],
                %(states)s::text[], %(statuses)s::int[], %(reasons)s::text[],
                %(ats)s::timestamptz[], %(dues)s::timestamptz[], %(charged)s::boolean[])
         AS outcome (post_id, subscription_id, attempt, state, status, reason, at, due_at, charged)
    WHERE delivery.post_id = outcome.post_id
          AND delivery.subscription_id = outcome.subscription_id
          AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
          AND delivery.state = (SELECT 'sending') AND delivery.attempts = outcome.attempt
    RETURNING outcome.post_id, outcome.subscription_id, outcome.attempt
"""


# LOCK and RELEASE remove the task from claims whose outcome will be settled later. Such a push
# stays claimed until its lease ends, but by no task: if the broker redelivers the task, it must not
# send the push a second time. A locked row is skipped: it is being settled at this moment. These
# are two statements because the planner cannot know how many pushes are being sent: in one
# statement it may look all of them up again for each row of the post (700 ms instead of 10).
LOCK = """
    SELECT post_id, subscription_id
    FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[], %(attempts)s::int[])
         AS push (post_id, subscription_id, attempt)
    JOIN notifications_delivery delivery USING (post_id, subscription_id)
    WHERE delivery.post_id BETWEEN %(lowest)s AND %(highest)s
          AND state = (SELECT 'sending') AND delivery.attempts = attempt
    FOR UPDATE OF delivery SKIP LOCKED
"""
RELEASE = """
    UPDATE notifications_delivery delivery SET claimed_by = NULL
    FROM unnest(%(posts)s::bigint[], %(devices)s::bigint[]) AS push (post_id, subscription_id)
    WHERE delivery.post_id = push.post_id AND delivery.subscription_id = push.subscription_id
          AND delivery.post_id BETWEEN %(lowest)s AND %(highest)s
"""

# Records slices as done. If a slice with the same start is recorded already, its record is widened,
# and the new pushes are added to its rows. No push counts twice, because each is settled once.
# Uses the primary key (post, after).
RECORD = """
    INSERT INTO notifications_slicerecord AS done (post_id, after, up_to, rows, written_at)
    SELECT post_id, after, up_to, rows, %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
         AS slice (post_id, after, up_to, rows)
    ORDER BY post_id, after
    ON CONFLICT (post_id, after) DO UPDATE
        SET up_to = greatest(done.up_to, excluded.up_to), rows = done.rows + excluded.rows
        WHERE excluded.up_to > done.up_to OR excluded.rows > 0
"""


def settle(
    outcomes: Sequence[Outcome],
    posts: dict[int, Post],
    *,
    now: datetime,
    slices: Sequence[Slice] = (),
    in_flight: Sequence[Push] = (),
) -> list[Outcome]:
    """Record how the claimed pushes ended, with one `push.settled` event per post, and that the
    slices are done. Remove the subscriptions that are gone. Returns the outcomes that still held
    their claim. `in_flight` are pushes of the slices that will be settled later; until their leases
    end they belong to no task.

    If an outcome causes a data error, its push is recorded as failed and the other outcomes are
    settled without it. The slices are recorded as done together with the last outcome."""
    try:
        return _settle(outcomes, posts, now, slices, in_flight)
    except Exception as error:
        if not is_data_error(error) or not outcomes:
            raise
        failure = error
    if len(outcomes) > 1:
        middle = len(outcomes) // 2
        first = settle(outcomes[:middle], posts, now=now)
        return first + settle(outcomes[middle:], posts, now=now, slices=slices, in_flight=in_flight)
    (refused,) = outcomes
    push = refused.push
    log.error("an outcome cannot be recorded", post_id=push.post_id, error=describe(failure))
    if refused.reason == UNRECORDED:
        return settle([], posts, now=now, slices=slices, in_flight=in_flight)
    failed = Outcome(push, State.FAILED, now, reason=UNRECORDED, gone=refused.gone)
    return settle([failed], posts, now=now, slices=slices, in_flight=in_flight)


@transaction.atomic
def _settle(
    outcomes: Sequence[Outcome],
    posts: dict[int, Post],
    now: datetime,
    slices: Sequence[Slice],
    in_flight: Sequence[Push],
) -> list[Outcome]:
    settled = _update(outcomes) if outcomes else []
    if in_flight:
        _release(in_flight)
    pushes = [*(outcome.push for outcome in settled), *in_flight]
    _record(slices, Counter(push.post_id for push in pushes), now)
    if not outcomes:
        return []
    gone = [outcome.push.subscription_id for outcome in outcomes if outcome.gone]
    if gone:
        PushSubscription.objects.filter(pk__in=gone).delete()
    _record_events(settled, posts, now)
    _count(settled, posts)
    return settled


def _record(slices: Sequence[Slice], pushes: Counter[int], now: datetime) -> None:
    """Record that the slices are done; `pushes` is the number of pushes per post id."""
    if not slices:
        return
    # If a task has several slices of a post, the first one gets all of the post's pushes.
    rows = [pushes.pop(slice_.post_id, 0) for slice_ in slices]
    columns = [*map(list, zip(*slices, strict=True)), rows]
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [now, *columns])


def _update(outcomes: Sequence[Outcome]) -> list[Outcome]:
    # A push may have two outcomes: of the attempt that lost its claim and of the one that took it.
    by_key = {(o.push.post_id, o.push.subscription_id, o.push.attempt): o for o in outcomes}
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE,
            keys([(o.push.post_id, o.push.subscription_id) for o in outcomes])
            | {
                "attempts": [outcome.push.attempt for outcome in outcomes],
                "states": [outcome.state for outcome in outcomes],
                "statuses": [outcome.status for outcome in outcomes],
                "reasons": [outcome.reason for outcome in outcomes],
                "ats": [outcome.at for outcome in outcomes],
                "dues": [outcome.due_at for outcome in outcomes],
                "charged": [outcome.charged for outcome in outcomes],
            },
        )
        return [by_key[key] for key in cursor]


def _release(pushes: Sequence[Push]) -> None:
    named = keys([(push.post_id, push.subscription_id) for push in pushes])
    with connection.cursor() as cursor:
        cursor.execute(LOCK, named | {"attempts": [push.attempt for push in pushes]})
        if locked := cursor.fetchall():
            cursor.execute(RELEASE, keys(locked))


def _count(settled: Sequence[Outcome], posts: dict[int, Post]) -> None:
    for outcome in settled:
        PUSHES.labels(str(outcome.state)).inc()
        if outcome.state == State.SENT and (post := posts.get(outcome.push.post_id)):
            PUSH_SECONDS.observe(max((outcome.at - post.created_at).total_seconds(), 0.0))


def _record_events(settled: Sequence[Outcome], posts: dict[int, Post], now: datetime) -> None:
    ended = defaultdict(list)
    for outcome in settled:
        # Skip posts that were deleted together with their author's account: nobody reads figures
        # about them.
        if outcome.state != State.RETRYING and outcome.push.post_id in posts:
            ended[outcome.push.post_id].append(outcome)
    events = [_event(posts[post_id], ended[post_id]) for post_id in sorted(ended)]
    outbox.record_all("push.settled", events, now=now)


def _event(post: Post, outcomes: Sequence[Outcome]) -> PushSettled:
    states = Counter(outcome.state for outcome in outcomes)
    return PushSettled(
        post_id=post.pk,
        author_id=post.author_id,
        sent=states[State.SENT],
        failed=len(outcomes) - states[State.SENT],
        refused=states[State.REFUSED],
        expired=states[State.EXPIRED],
        latency_ms=[
            max(0, round((outcome.at - post.created_at) / MILLISECOND))
            for outcome in outcomes
            if outcome.state == State.SENT
        ],
        people=len({outcome.push.user_id for outcome in outcomes}),
    )
