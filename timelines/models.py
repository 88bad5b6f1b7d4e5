"""Timelines: one row per owner and post, the ledger of which slices of a fan-out are written, and
what is known of each owner.

All are keyed so that they can be sharded by owner, and bear no foreign keys in the database.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from fanout import ledger
from social.models import Post, User, person


def person_key(related_name: str) -> models.OneToOneField:
    """A row of a person's own, without a reference that the database enforces."""
    return models.OneToOneField(
        User,
        on_delete=models.CASCADE,
        related_name=related_name,
        primary_key=True,
        db_constraint=False,
    )


class TimelineEntry(models.Model):
    """A post in somebody's timeline. Partitioned by post id (see fanout/partitions.py); no
    surrogate key and no second index, since this table takes 100 million rows a day."""

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
    """A post's way into the timelines."""

    class Meta:
        indexes = [
            ledger.unfinished(),
            # Those that wait for room in timelines.low, oldest first.
            models.Index(
                "post_id", condition=models.Q(waiting=True), name="timelines_fanout_waiting"
            ),
        ]


class SliceRecord(ledger.SliceRecord):
    """Timeline rows of a slice that are written."""


class Watermark(models.Model):
    """Up to which post id every timeline is complete, but for a few stragglers; one row. See
    watermark.py."""

    post_id = models.BigIntegerField()
    stragglers = ArrayField(models.BigIntegerField(), default=list, blank=True)

    def __str__(self) -> str:
        return f"complete up to post {self.post_id}"


class Reader(models.Model):
    """When an owner last looked at their timeline, to the hour, and up to which post they say
    that they have read it; `read_floor` and `read_above` are what was there by then (see
    social/read_marks.py)."""

    owner = person_key("timeline_reader")
    seen_at = models.DateTimeField()
    read_up_to = models.BigIntegerField(default=0)
    read_floor = models.BigIntegerField(null=True)
    read_above = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        # Who has stayed away: asked every few minutes.
        indexes = [models.Index("seen_at", name="timelines_reader_seen")]

    def __str__(self) -> str:
        return f"{self.owner_id}, seen at {self.seen_at}"


class Dormant(models.Model):
    """An owner who has stayed away, and whose timeline is not written; once `returned_at` is set,
    they are to be woken (see dormancy.py)."""

    owner = person_key("dormancy")
    returned_at = models.DateTimeField(null=True)

    class Meta:
        # Those who are to be filled in; few among the many who stay away.
        indexes = [
            models.Index(
                "returned_at",
                condition=models.Q(returned_at__isnull=False),
                name="timelines_dormant_returned",
            )
        ]

    def __str__(self) -> str:
        return str(self.owner_id)
