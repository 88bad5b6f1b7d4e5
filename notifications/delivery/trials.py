"""Test pushes: a user requests one to see whether pushes reach a device."""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from notifications.delivery.claims import Push
from notifications.delivery.late import settler
from notifications.delivery.messages import Message, topic
from notifications.delivery.outcomes import Outcome, State
from notifications.delivery.rounds import Clock
from notifications.delivery.sending import sender
from notifications.models import PushSubscription
from social.models import Post

# A test push is about no post.
NO_POST = 0
TTL = timedelta(minutes=10)


def send_trial(subscription_id: int, *, clock: Clock) -> None:
    """Send one test push to the device, without retries, and record its result. A subscription that
    is gone is removed, as with any push."""
    own = PushSubscription.objects.filter(pk=subscription_id, user__is_active=True)
    device = own.first()
    if device is None:
        return
    address = (device.transport, device.endpoint, device.p256dh, device.auth)
    wishes = json.dumps(device.wishes)
    message = Message(
        title="Connectify",
        body="Notifications reach this device.",
        tag=topic("test", device.pk),
        post_id=NO_POST,
        expires_at=clock() + TTL,
    )
    push = Push(NO_POST, device.pk, 1, *address, user_id=device.user_id, wishes=wishes)
    # A device that does not answer must not delay the other tasks of the lane.
    late = partial(settler().add, _record, {})
    _record(sender().send([push], {NO_POST: message}, clock, late), {})


def _record(outcomes: Sequence[Outcome], _: dict[int, Post]) -> None:
    for outcome in outcomes:
        own = PushSubscription.objects.filter(pk=outcome.push.subscription_id)
        if outcome.gone:
            own.delete()
            continue
        sent = outcome.state == State.SENT
        own.update(test=PushSubscription.Test.SENT if sent else PushSubscription.Test.FAILED)
