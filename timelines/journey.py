"""Why a post stands, or does not stand, in a user's timeline. Every step is a look by key."""

from collections.abc import Iterator

from fanout import partitions
from social.journey import Step
from social.models import Post, User
from timelines.models import Dormant, TimelineEntry


def steps(post: Post, user: User) -> Iterator[Step]:
    if post.pk < partitions.horizon(TimelineEntry._meta.db_table):
        yield Step("It is older than the timelines' rows: it is read from its author's posts.")
    elif Dormant.objects.filter(owner=user).exists():
        yield Step(f"{user} has been away: the timeline is read from the authors' posts.")
    elif TimelineEntry.objects.filter(owner=user, post=post).exists():
        yield Step(f"It stands in {user}'s timeline.")
    else:
        yield Step(f"It does not stand in {user}'s timeline.", stops=True)
