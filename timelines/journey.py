"""The step of a post's way that ends in a user's timeline. All look-ups are by key."""

from collections.abc import Iterator

from fanout import partitions
from social.journey import Step
from social.models import Post, User
from timelines.models import Dormant, TimelineEntry


def steps(post: Post, user: User) -> Iterator[Step]:
    if post.pk < partitions.horizon(TimelineEntry._meta.db_table):
        yield Step(
            "It is older than the timelines' rows: timelines read it from its author's posts."
        )
    elif Dormant.objects.filter(owner=user).exists():
        yield Step(f"{user} has been away: the timeline is read from the authors' posts.")
    elif TimelineEntry.objects.filter(owner=user, post=post).exists():
        yield Step(f"It is in {user}'s timeline.")
    else:
        yield Step(f"It is not in {user}'s timeline.", stops=True)
