"""What happened, event by event, and in sum by minute, hour and day."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class EventRecord(models.Model):
    """One event, once. `data` is the event's, without what a post says; `counted` tells whether
    the rollups have it. Partitioned by day of `occurred_at` (see days.py), so that the key in the
    database is (event_id, occurred_at); Django is told of the first alone, for the admin's sake."""

    event_id = models.CharField(max_length=100, primary_key=True)
    event_type = models.CharField(max_length=100)
    occurred_at = models.DateTimeField()
    data = models.JSONField()
    counted = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


def count() -> models.BigIntegerField:
    return models.BigIntegerField(default=0)


class Rollup(models.Model):
    """What there was in one minute, hour or day (UTC) by the events' own time, of one author's or,
    with author 0, of all. Minutes are kept for all together only.

    `reach` are timeline rows, `slices` the slices that they were written in, `pushed` people
    whose pushes were settled (once each time, however many devices they have), `gained` and `lost`
    followers, the latencies histograms of seconds from a post's creation to its rows and to its
    pushes (see histogram.py).
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
        # Pruning of what is kept for a while only.
        indexes = [models.Index(fields=["period", "starts_at"], name="analytics_rollup_age")]

    def __str__(self) -> str:
        return f"{self.period} {self.starts_at:%Y-%m-%d %H:%M} of {self.author_id or 'everybody'}"


COUNTS = (
    *("posts", "reach", "slices", "pushed", "gained", "lost"),
    *("pushes_sent", "pushes_failed", "pushes_refused", "pushes_expired"),
)
HISTOGRAMS = ("timeline_latency", "push_latency")
