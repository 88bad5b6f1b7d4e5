"""The steps of a post's way to a user's devices: the notification, and each push. All look-ups are
by key."""

from collections.abc import Iterator

from django.urls import reverse

from notifications.models import Delivery, Notification, Preference, PushSubscription
from social.journey import Step
from social.models import Post, User

FAILED = frozenset({Delivery.State.FAILED, Delivery.State.REFUSED, Delivery.State.EXPIRED})


def steps(post: Post, user: User) -> Iterator[Step]:
    preference = Preference.objects.filter(user=user).first()
    if preference is None or not preference.push_enabled:
        yield Step(f"{user} has not enabled push, or has switched it off.")
        return
    notification = Notification.objects.filter(recipient=user, post=post).first()
    if notification is None:
        yield Step(f"{user} has no notification of it.", stops=True)
        return
    yield Step(f"{user} was notified at {notification.created_at:%H:%M:%S}.")
    if notification.dismissed_at:
        yield Step(f"{user} dismissed it at {notification.dismissed_at:%H:%M:%S}.")
    if notification.held:
        yield Step(f"The push was suppressed: {notification.held}.")
    link = f"{reverse('admin:notifications_delivery_changelist')}?q={post.pk}"
    deliveries = Delivery.objects.filter(post=post, recipient_id=user.pk)
    for push in deliveries.order_by("subscription_id")[:20]:
        where = f"to device {push.subscription_id} at {push.host or 'an unknown host'}"
        why = f": {push.reason}" if push.reason else ""
        text = f"The push {where} is {push.state} (attempts: {push.attempts}){why}."
        yield Step(text, stops=push.state in FAILED, link=link)
    if not PushSubscription.objects.filter(user=user).exists():
        yield Step(f"{user} has no device.")
