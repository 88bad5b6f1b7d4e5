"""One round of pushes: claim, send, settle, and say which are to be tried again.

Guarantee: nothing is sent that is not claimed, and what was sent is settled in one transaction
with its event. A crash in between repeats the push, which the device shows once (Topic and tag).
A round does not wait for slow answers: what they say is settled apart (late.py).
Whether a push is still wanted is asked again at each attempt.
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
from notifications import allowance, claims, retries, settling
from notifications.claims import Push
from notifications.late import Settle, settler
from notifications.messages import Message, message_of, summary_of
from notifications.models import Delivery, Held, Notification
from notifications.outcomes import Outcome
from notifications.reasons import words
from notifications.retries import Retry
from notifications.rounds import Clock
from notifications.sending import sender
from social.models import Post

log = structlog.get_logger(__name__)

Again = Callable[[Sequence[Outcome]], None]

before_settling = failpoint("notifications.before_settling")


def push_slices(
    slices: Sequence[Slice], *, task: UUID, clock: Clock, again: Again | None = None
) -> list[Outcome]:
    """Tell the followers in the slices; returns the outcomes to be tried again. `task` is the same
    for a task that the broker gives out again. With `again`, slow answers are not waited for: their
    outcomes that are to be tried again are given to it, by another thread."""
    posts = _posts({piece.post_id for piece in slices})
    # Of posts below the horizon nothing is kept, and nobody is told any more.
    horizon = partitions.horizon(Notification._meta.db_table)
    live = [
        piece
        for piece in slices
        if piece.post_id >= horizon and not _why_not(posts.get(piece.post_id))
    ]
    if len(live) < len(slices):
        count = len(slices) - len(live)
        log.info("slices of posts deleted or of nobody skipped", count=count)
        metrics.SKIPPED.labels("push slice").inc(count)
    live = disjoint(live, {})
    pushes = claims.claim(live, posts, task=task, now=clock())
    return _push(pushes, posts, clock, again, live)


def push_again(
    due: Sequence[Retry], *, task: UUID, clock: Clock, again: Again | None = None
) -> list[Outcome]:
    """Try again; returns the outcomes to be tried once more. `again` as above."""
    posts = _posts({retry.post_id for retry in due})
    now = clock()
    pushes = allowance.renew(retries.claim(due, posts, task=task, now=now), now=now)
    return _push(pushes, posts, clock, again)


def _posts(post_ids: set[int]) -> dict[int, Post]:
    """With their authors, also those that are deleted."""
    return Post.objects.select_related("author").in_bulk(post_ids)


def _why_not(post: Post | None) -> str:
    if post is None or post.deleted_at is not None:
        return "the post was deleted"
    return "" if post.author.is_active else "the author's account is closed"


def _push(
    pushes: Sequence[Push],
    posts: dict[int, Post],
    clock: Clock,
    again: Again | None,
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
    late = again and partial(settler().add, _late(clock, again), posts)
    outcomes += sender().send(wanted, messages, clock, late)
    before_settling()
    answered = {(outcome.push.post_id, outcome.push.subscription_id) for outcome in outcomes}
    under_way = [p for p in pushes if (p.post_id, p.subscription_id) not in answered]
    more = {"slices": slices, "under_way": under_way}
    try:
        settled = settling.settle(outcomes, posts, now=clock(), **more)
    except Exception as error:
        if again is None or not passing(error):
            raise
        # If the task came again, it would repeat what is sent already.
        log.warning("a round is settled later", count=len(pushes), error=words(error))
        settler().add(_later(clock, again, **more), posts, *outcomes)
        return []
    return _retrying(settled)


def _later(clock: Clock, again: Again, **more: Sequence) -> Settle:
    def settle(outcomes: Sequence[Outcome], posts: dict[int, Post]) -> None:
        settled = settling.settle(outcomes, posts, now=clock(), **more)
        again(_retrying(settled))

    return settle


# One function for all rounds, so that their late outcomes share a transaction.
_late = cache(_later)


def _retrying(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.state == Delivery.State.RETRYING]


def _unsent(
    push: Push, post: Post | None, messages: dict[int, Message], now: datetime
) -> Outcome | None:
    """The outcome of a push that is not to be made, if it is none."""
    if reason := _why_not(post) or push.unwanted:
        state = Delivery.State.HELD if reason in Held.values else Delivery.State.REFUSED
        return Outcome(push, state, now, reason=reason)
    if messages[push.message_id].expires_at <= now:
        return Outcome(push, Delivery.State.EXPIRED, now, reason="its time was over")
    return None
