"""One round of pushes: claims them, sends them, settles them, and returns those to retry.

Guarantee: only claimed pushes are sent, and a sent push is settled in one transaction with its
event. A crash between sending and settling repeats the push; the device shows it once because of
Topic and tag. A round does not wait for slow answers: late.py settles them.
Each attempt checks again whether the push is still wanted.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from uuid import UUID

import structlog

from events import metrics
from events.errors import passing
from events.failpoints import failpoint
from fanout import partitions
from fanout.slices import Slice, disjoint
from notifications.delivery import allowance, claims, retries, settling
from notifications.delivery.claims import Push
from notifications.delivery.late import Settle, settler
from notifications.delivery.messages import Message, message_of, summary_of
from notifications.delivery.outcomes import Outcome
from notifications.delivery.retries import Retry
from notifications.delivery.rounds import Clock
from notifications.delivery.sending import sender
from notifications.models import Delivery, Held, Notification
from notifications.reasons import describe
from social.models import Post

log = structlog.get_logger(__name__)

EnqueueRetries = Callable[[Sequence[Outcome]], None]

before_settling = failpoint(__name__, "before_settling")


def push_slices(
    slices: Sequence[Slice],
    *,
    task: UUID,
    clock: Clock,
    enqueue_retries: EnqueueRetries | None = None,
) -> list[Outcome]:
    """Push to the followers in the slices; returns the outcomes to retry. `task` is the task's id,
    which is the same when the broker redelivers it. With `enqueue_retries`, the round does not wait
    for slow answers: another thread settles them and calls it with those to retry."""
    posts = _posts({slice_.post_id for slice_ in slices})
    # Notifications of posts below the horizon are dropped, so such posts notify nobody any more.
    horizon = partitions.horizon(Notification._meta.db_table)
    live = [
        slice_
        for slice_ in slices
        if slice_.post_id >= horizon and not _refusal(posts.get(slice_.post_id))
    ]
    if len(live) < len(slices):
        count = len(slices) - len(live)
        log.info("slices of deleted posts or closed accounts skipped", count=count)
        metrics.SKIPPED.labels("push slice").inc(count)
    live = disjoint(live, {})
    pushes = claims.claim(live, posts, task=task, now=clock())
    return _push(pushes, posts, clock, enqueue_retries, live)


def push_again(
    due: Sequence[Retry],
    *,
    task: UUID,
    clock: Clock,
    enqueue_retries: EnqueueRetries | None = None,
) -> list[Outcome]:
    """Make the retries; returns the outcomes to retry once more. `task` and `enqueue_retries` as
    for push_slices()."""
    posts = _posts({retry.post_id for retry in due})
    now = clock()
    pushes = allowance.renew(retries.claim(due, posts, task=task, now=now), now=now)
    return _push(pushes, posts, clock, enqueue_retries)


def _posts(post_ids: set[int]) -> dict[int, Post]:
    """The posts with their authors; deleted posts are included."""
    return Post.objects.select_related("author").in_bulk(post_ids)


def _refusal(post: Post | None) -> str:
    """The reason why the post must not be pushed, or "" to push it."""
    if post is None or post.deleted_at is not None:
        return "the post was deleted"
    return "" if post.author.is_active else "the author's account is closed"


def _push(
    pushes: Sequence[Push],
    posts: dict[int, Post],
    clock: Clock,
    enqueue_retries: EnqueueRetries | None,
    slices: Sequence[Slice] = (),
) -> list[Outcome]:
    messages = {post_id: message_of(post) for post_id, post in posts.items()}
    for push in pushes:
        if push.summary and push.post_id in posts:
            messages[push.message_id] = summary_of(posts[push.post_id])
    wanted, outcomes = [], []
    for push in pushes:
        outcome = _unsent(push, posts.get(push.post_id), messages, clock())
        if outcome:
            outcomes.append(outcome)
        else:
            wanted.append(push)
    late = enqueue_retries and partial(settler().add, _late(clock, enqueue_retries), posts)
    outcomes += sender().send(wanted, messages, clock, late)
    before_settling()
    answered = {(outcome.push.post_id, outcome.push.subscription_id) for outcome in outcomes}
    in_flight = [p for p in pushes if (p.post_id, p.subscription_id) not in answered]
    try:
        settled = settling.settle(outcomes, posts, now=clock(), slices=slices, in_flight=in_flight)
    except Exception as error:
        if enqueue_retries is None or not passing(error):
            raise
        # Do not fail the task: its retry would repeat pushes that were already sent.
        log.warning("a round is settled later", count=len(pushes), error=describe(error))
        settler().add(_later(clock, enqueue_retries, slices, in_flight), posts, *outcomes)
        return []
    return _retrying(settled)


def _later(
    clock: Clock,
    enqueue_retries: EnqueueRetries,
    slices: Sequence[Slice] = (),
    in_flight: Sequence[Push] = (),
) -> Settle:
    def settle(outcomes: Sequence[Outcome], posts: dict[int, Post]) -> None:
        settled = settling.settle(outcomes, posts, now=clock(), slices=slices, in_flight=in_flight)
        enqueue_retries(_retrying(settled))

    return settle


# Cached, so that all rounds pass the same function and their late outcomes share a transaction.
_late = cache(_later)


def _retrying(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.state == Delivery.State.RETRYING]


def _unsent(
    push: Push, post: Post | None, messages: dict[int, Message], now: datetime
) -> Outcome | None:
    """Return the outcome if this push must not be sent, or None to send it."""
    if reason := _refusal(post) or push.unwanted:
        state = Delivery.State.HELD if reason in Held.values else Delivery.State.REFUSED
        return Outcome(push, state, now, reason=reason)
    if messages[push.message_id].expires_at <= now:
        return Outcome(push, Delivery.State.EXPIRED, now, reason="its time was over")
    return None
