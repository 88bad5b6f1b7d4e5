"""A push that a user asks for, to see whether any reach a device."""

import json
from datetime import timedelta

from notifications.claims import Push
from notifications.messages import Message, topic
from notifications.models import PushSubscription
from notifications.outcomes import State
from notifications.sending import Clock, sender

# It is about no post.
NO_POST = 0
TTL = timedelta(minutes=10)


def send_trial(subscription_id: int, *, clock: Clock) -> None:
    """Send it once and note how that went; what is gone is removed, as with any push."""
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
    push = Push(NO_POST, device.pk, 1, *address, wishes=wishes)
    (outcome,) = sender().send([push], {NO_POST: message}, clock)
    if outcome.gone:
        own.delete()
        return
    went = (
        PushSubscription.Test.SENT if outcome.state == State.SENT else PushSubscription.Test.FAILED
    )
    own.update(test=went)
