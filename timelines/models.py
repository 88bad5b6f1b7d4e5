"""Timelines: one row per owner and post, and the ledger of which slices of a fan-out are written.

Both are keyed so that they can be sharded by owner, and bear no foreign keys in the database.
"""

from django.db import models

from social import ledger
from social.models import Post, person


class TimelineEntry(models.Model):
    """A post in somebody's timeline. Partitioned by post id (see social/partitions.py); no
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
        indexes = [ledger.unfinished()]


class SliceRecord(ledger.SliceRecord):
    """Timeline rows of a slice that are written."""
