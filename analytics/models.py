"""Models of analytics: one record per event, and sums of them per minute, hour and day."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class EventRecord(models.Model):
    """An event. `data` is the event's data without a post's text; `counted` says whether the
    rollups include it. The table is partitioned by the day of `occurred_at` (see days.py), so its
    primary key in the database is (event_id, occurred_at). Django knows only event_id as the key,
    because the admin refuses composite keys."""

    event_id = models.CharField(max_length=100, primary_key=True)
    event_type = models.CharField(max_length=100)
    occurred_at = models.DateTimeField()
    data = models.JSONField()
    counted = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


def count() -> "models.BigIntegerField[int, int]":
    return models.BigIntegerField(default=0)


class Rollup(models.Model):
    """Sums over the events of one minute, hour or day (UTC, by the events' own time), for one
    author or, with author 0, for everybody. Minutes exist for everybody only.

    `reach` counts timeline rows, and `slices` the slices in which they were written. `pushed`
    counts the people whose pushes were settled, each once per push.settled event, however many
    devices they have. `gained` and `lost` count followers. The latencies are histograms (see
    histogram.py) of the seconds from a post's creation to its timeline rows and to its pushes.
    """

    class Period(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"
        DAY = "day"

    EVERYBODY = 0

    period = models.CharField(max_length=6, choices=Period)
    author_id = models.BigIntegerField()
    starts_at = models.DateTimeField()
    posts = count()
    reach = count()
    slices = models.BigIntegerField(default=0, db_default=0)
    pushed = models.BigIntegerField(default=0, db_default=0)
    pushes_sent = count()
    pushes_failed = count()
    pushes_refused = count()
    pushes_expired = count()
    gained = count()
    lost = count()
    timeline_latency = ArrayField(models.BigIntegerField())
    push_latency = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["period", "author_id", "starts_at"], name="analytics_rollup_once"
            )
        ]
        # Finds old minutes and hours, which are deleted.
        indexes = [models.Index(fields=["period", "starts_at"], name="analytics_rollup_age")]

    def __str__(self) -> str:
        return f"{self.period} {self.starts_at:%Y-%m-%d %H:%M} of {self.author_id or 'everybody'}"


COUNTS = (
    *("posts", "reach", "slices", "pushed", "gained", "lost"),
    *("pushes_sent", "pushes_failed", "pushes_refused", "pushes_expired"),
)
HISTOGRAMS = ("timeline_latency", "push_latency")
