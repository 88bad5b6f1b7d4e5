"""The subscriber "notifications": turns new posts into push tasks, and erases closed accounts."""

from django.conf import settings
from django.utils import timezone

from events.envelope import Event
from events.registry import Subscriber, register_subscriber
from notifications import erasure, tasks
from notifications.models import FanOut
from notifications.planning import plan
from social import ledger, posts


def on_post_created(events: list[Event]) -> None:
    live = posts.live(event.data.post_id for event in events)
    pairs = [(e.data.post_id, e.data.author_id) for e in events if e.data.post_id in live]
    slices = plan(pairs, settings.PUSH_TASK_SUBSCRIBERS)
    ledger.begin(FanOut, slices, now=timezone.now())
    for slice_ in slices:
        tasks.send_pushes.enqueue(slices=[slice_])


def on_user_closed(events: list[Event]) -> None:
    erasure.erase([event.data.user_id for event in events])


register_subscriber(
    Subscriber(
        name="notifications",
        queue="push.worker",
        handlers={"post.created": on_post_created, "user.closed": on_user_closed},
        batch=200,
        # The lane of retries has no limit here: a push service that is down must not delay first
        # attempts.
        lane_limits={tasks.HIGH: settings.PUSH_LANE_TASKS},
        target_seconds=5.0,
    )
)
