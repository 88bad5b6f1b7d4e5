"""What happened, event by event and by day."""

from django.db import models


class EventRecord(models.Model):
    """One event, once. `data` is the event's, without what a post says; `counted` tells whether
    the rollups have it."""

    event_id = models.CharField(max_length=100, primary_key=True)
    event_type = models.CharField(max_length=100)
    occurred_at = models.DateTimeField(db_index=True)
    data = models.JSONField()
    counted = models.BooleanField(default=False)

    class Meta:
        # What the next rollup takes; empty most of the time.
        indexes = [
            models.Index(
                "event_id", condition=models.Q(counted=False), name="analytics_record_uncounted"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class DailyCount(models.Model):
    """How many there were of something on a day (UTC) by the events' own time."""

    class Metric(models.TextChoices):
        POSTS = "posts"
        TIMELINE_ROWS = "timeline_rows"
        PUSHES_SENT = "pushes_sent"
        PUSHES_FAILED = "pushes_failed"
        FOLLOWS = "follows"
        UNFOLLOWS = "unfollows"

    day = models.DateField()
    metric = models.CharField(max_length=30, choices=Metric)
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "metric"], name="analytics_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.metric}: {self.count}"
