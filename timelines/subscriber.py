"""Subscriber 1: from events to tasks on the timelines' lanes.

Next on the way of a post: timelines/tasks.py.
"""

from django.conf import settings
from django.utils import timezone

from events.envelope import Event
from events.registry import Subscriber, register_subscriber
from fanout import ledger
from social import posts
from timelines import dormancy, tasks
from timelines.models import FanOut
from timelines.planning import plan


def on_post_created(events: list[Event]) -> None:
    live = posts.live(event.data.post_id for event in events)
    pairs = [(e.data.post_id, e.data.author_id) for e in events if e.data.post_id in live]
    plans = plan(pairs, settings.TIMELINE_TASK_ROWS)
    ledger.begin(FanOut, (piece.slice for piece in plans), now=timezone.now())
    large = [piece for piece in plans if piece.audience > settings.TIMELINE_LARGE_AUDIENCE]
    ordinary = [piece for piece in plans if piece.audience <= settings.TIMELINE_LARGE_AUDIENCE]
    tasks.enqueue_plans(tasks.HIGH, ordinary)
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


register_subscriber(
    Subscriber(
        name="timelines",
        queue="timeline.worker",
        handlers={
            "post.created": on_post_created,
            "post.deleted": on_post_deleted,
            "user.followed": on_follow_changed,
            "user.unfollowed": on_follow_changed,
            "user.closed": on_user_closed,
        },
        batch=100,
        # Not timelines.low: posts of very large audiences wait for room there in the ledger, and
        # hold up no other. Removals and back-fills are at most one task for each event.
        lane_limits={tasks.HIGH: settings.TIMELINE_LANE_TASKS},
        target_seconds=30.0,
    )
)
