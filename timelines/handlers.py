"""From events to tasks on the timelines' lanes.

Next on the way of a post: timelines/tasks.py.
"""

from django.conf import settings
from django.utils import timezone

from events.envelope import Event
from fanout import ledger
from social import posts
from timelines import dormancy, tasks
from timelines.models import FanOut
from timelines.planning import plan
from timelines.subscriber import HIGH


def on_post_created(events: list[Event]) -> None:
    live = posts.live(event.data.post_id for event in events)
    pairs = [(e.data.post_id, e.data.author_id) for e in events if e.data.post_id in live]
    plans = plan(pairs, settings.TIMELINE_TASK_ROWS)
    ledger.begin(FanOut, (planned.slice for planned in plans), now=timezone.now())
    limit = settings.TIMELINE_LARGE_AUDIENCE
    large = [planned for planned in plans if planned.audience > limit]
    ordinary = [planned for planned in plans if planned.audience <= limit]
    tasks.enqueue_plans(HIGH, ordinary)
    if large:
        waiting = tasks.enqueue_large(large)
        FanOut.objects.filter(pk__in=waiting).update(waiting=True)


def on_post_deleted(events: list[Event]) -> None:
    tasks.remove_posts.enqueue(post_ids=[event.data.post_id for event in events])


def on_follow_changed(events: list[Event]) -> None:
    pairs = {(event.data.follower_id, event.data.followee_id) for event in events}
    tasks.refresh_follows.enqueue(pairs=sorted(pairs))


def on_user_closed(events: list[Event]) -> None:
    dormancy.forget([event.data.user_id for event in events])
