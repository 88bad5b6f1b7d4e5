"""Timelines: one row per owner and post, and the ledger of which slices of a fan-out are written.

Both are keyed so that they can be sharded by owner, and bear no foreign keys in the database.
"""

from django.db import models

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


class SliceRecord(models.Model):
    """One written slice of a fan-out: the followers with `after` < id <= `up_to`.

    The slices of a post tile the whole range of ids, so that a hole in them is what is missing.
    """

    pk = models.CompositePrimaryKey("post_id", "after")
    post_id = models.BigIntegerField()
    after = models.BigIntegerField()
    up_to = models.BigIntegerField()
    rows = models.IntegerField()
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"post {self.post_id} ({self.after}, {self.up_to}]: {self.rows} rows"
