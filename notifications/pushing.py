"""One round of pushes: claim, send, settle, and say which are to be tried again.

Guarantee: nothing is sent that is not claimed, and what was sent is settled in one transaction
with its event. A crash in between repeats the push, which the device shows once (Topic and tag).
"""

from collections.abc import Sequence
from datetime import datetime

from events.failpoints import failpoint
from notifications import claims, settling
from notifications.claims import Push
from notifications.models import Delivery, PushSubscription
from notifications.sending import sender
from notifications.settling import Outcome
from social.models import Post
from social.slices import Slice

before_settling = failpoint("notifications.before_settling")


def push_slices(slices: Sequence[Slice], *, now: datetime) -> list[Outcome]:
    """Tell the followers in the slices; returns the outcomes to be tried again."""
    posts = claims.live_posts({piece.post_id for piece in slices})
    return _push(claims.claim(slices, posts, now=now), posts, now, slices)


def push_again(due: Sequence[tuple[int, int]], *, now: datetime) -> list[Outcome]:
    """Try (post id, subscription id) pairs again; returns the outcomes to be tried once more."""
    posts = claims.live_posts({post_id for post_id, _ in due})
    wanted = [pair for pair in due if pair[0] in posts]
    return _push(claims.claim_retries(wanted, now=now), posts, now) if wanted else []


def _push(
    pushes: Sequence[Push], posts: dict[int, Post], now: datetime, slices: Sequence[Slice] = ()
) -> list[Outcome]:
    outcomes = sender().send(pushes, posts) if pushes else []
    before_settling()
    settling.settle(outcomes, posts, now=now, slices=slices)
    gone = [outcome.push.subscription_id for outcome in outcomes if outcome.gone]
    PushSubscription.objects.filter(pk__in=gone).delete()
    return [outcome for outcome in outcomes if outcome.state == Delivery.State.RETRYING]
