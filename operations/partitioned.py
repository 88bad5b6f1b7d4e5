"""The tables that are partitioned by post id, and how long each is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from notifications.models import Delivery, Notification
from social import partitions, retention
from social.models import Post
from timelines.models import TimelineEntry

# Partitions made ahead of the newest post; a chunk that finds none makes its own.
AHEAD = 5


@dataclass(frozen=True)
class Partitioned:
    """A table, and the setting that says how long its rows are kept."""

    table: str
    setting: str

    @property
    def keep(self) -> timedelta:
        return getattr(settings, self.setting)


TABLES = (
    Partitioned(TimelineEntry._meta.db_table, "TIMELINE_KEEP"),
    Partitioned(Notification._meta.db_table, "NOTIFICATION_KEEP"),
    Partitioned(Delivery._meta.db_table, "NOTIFICATION_KEEP"),
)


def create_ahead() -> None:
    newest = Post.objects.order_by("-id").values_list("id", flat=True).first() or 0
    for partitioned in TABLES:
        partitions.ensure_ahead(partitioned.table, newest, AHEAD)


def drop_expired(*, now: datetime) -> list[str]:
    """The names of the partitions that were dropped."""
    return [
        name
        for partitioned in TABLES
        for name in retention.expire(partitioned.table, partitioned.keep, now=now)
    ]
