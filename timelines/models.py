"""Models of the timelines: one row per owner and post, the ledger of written slices, and what we
know of each owner.

The rows and the data about owners are keyed so that they can be sharded by owner. No model has
foreign keys in the database.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from fanout import ledger
from social.models import Post, User, person


def person_key(related_name: str) -> "models.OneToOneField[User, User]":
    """A primary key that refers to a user; the database does not enforce the reference."""
    return models.OneToOneField(
        User,
        on_delete=models.CASCADE,
        related_name=related_name,
        primary_key=True,
        db_constraint=False,
    )


class TimelineEntry(models.Model):
    """A post in an owner's timeline. The table is partitioned by post id (see
    fanout/partitions.py). It has no surrogate key and no second index, because it gets 100 million
    rows a day."""

    pk = models.CompositePrimaryKey("owner_id", "post_id")
    owner = person("timeline_entries")
    post = models.ForeignKey(
        Post, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        verbose_name_plural = "timeline entries"

    def __str__(self) -> str:
        return f"post {self.post_id} for {self.owner_id}"


class FanOut(ledger.FanOut):
    """The fan-out of a post into the timelines."""

    class Meta:
        indexes = [
            ledger.unfinished(),
            # Finds the posts that wait for room in timelines.low, oldest first.
            models.Index(
                "post_id", condition=models.Q(waiting=True), name="timelines_fanout_waiting"
            ),
        ]


class SliceRecord(ledger.SliceRecord):
    """A slice whose timeline rows are written."""


class Watermark(models.Model):
    """The post id up to which every timeline is complete, except for a few stragglers. The table
    has one row. See watermark.py."""

    post_id = models.BigIntegerField()
    stragglers = ArrayField(models.BigIntegerField(), default=list, blank=True)

    def __str__(self) -> str:
        return f"complete up to post {self.post_id}"


class Reader(models.Model):
    """When an owner last read their timeline, to the hour, and the post up to which their client
    has marked it as read. `read_floor` and `read_above` say which posts had arrived by then (see
    social/read_marks.py)."""

    owner = person_key("timeline_reader")
    seen_at = models.DateTimeField()
    read_up_to = models.BigIntegerField(default=0)
    read_floor = models.BigIntegerField(null=True)
    read_above = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        # Finds owners who have been away for long; used every few minutes.
        indexes = [models.Index("seen_at", name="timelines_reader_seen")]

    def __str__(self) -> str:
        return f"{self.owner_id}, seen at {self.seen_at}"


class Dormant(models.Model):
    """An owner who has been away for long, so that their timeline is not written. Once
    `returned_at` is set, the timeline is to be filled in (see dormancy.py)."""

    owner = person_key("dormancy")
    returned_at = models.DateTimeField(null=True)

    class Meta:
        # Finds owners whose timelines are to be filled in: a few among many dormant ones.
        indexes = [
            models.Index(
                "returned_at",
                condition=models.Q(returned_at__isnull=False),
                name="timelines_dormant_returned",
            )
        ]

    def __str__(self) -> str:
        return str(self.owner_id)
