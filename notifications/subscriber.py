"""Subscriber 2: from new posts to tasks on the notifications' lanes."""

from django.conf import settings

from events.envelope import Event
from events.registry import Subscriber, register_subscriber
from notifications import tasks
from notifications.planning import plan


def on_post_created(events: list[Event]) -> None:
    posts = [(event.data.post_id, event.data.author_id) for event in events]
    for piece in plan(posts, settings.PUSH_TASK_SUBSCRIBERS):
        tasks.send_pushes.enqueue(slices=[piece])


register_subscriber(
    Subscriber(
        name="notifications",
        queue="push.worker",
        handlers={"post.created": on_post_created},
        batch=50,
    )
)
