"""New posts become tasks on the lanes; closed accounts lose their devices."""

from django.conf import settings
from django.utils import timezone

from events.envelope import Event
from fanout import ledger
from notifications import erasure, tasks
from notifications.models import FanOut
from notifications.planning import plan
from social import posts


def on_post_created(events: list[Event]) -> None:
    live = posts.live(event.data.post_id for event in events)
    pairs = [(e.data.post_id, e.data.author_id) for e in events if e.data.post_id in live]
    slices = plan(pairs, settings.PUSH_TASK_SUBSCRIBERS)
    ledger.begin(FanOut, slices, now=timezone.now())
    for slice_ in slices:
        tasks.send_pushes.enqueue(slices=[slice_])


def on_user_closed(events: list[Event]) -> None:
    erasure.erase([event.data.user_id for event in events])
