"""What Django's documentation suggests: read the follower ids through the ORM, write rows with
`bulk_create(ignore_conflicts=True)` in batches, one task per post. Its table (see bench/tables.py)
has the columns and indexes that Django creates by default."""

import time
from collections.abc import Sequence

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from django.db import models  # noqa: E402

from social.models import Follow  # noqa: E402

BATCH = 1_000


class Entry(models.Model):
    id = models.BigAutoField(primary_key=True)
    owner_id = models.BigIntegerField()
    post_id = models.BigIntegerField()

    class Meta:
        app_label = "bench"
        db_table = "bench_entry"
        managed = False

    def __str__(self) -> str:
        return f"post {self.post_id} for {self.owner_id}"


def bulk_create(posts: Sequence[tuple[int, int]]) -> list[tuple[float, int]]:
    commits = []
    for post, author in posts:
        followers = Follow.objects.filter(followee_id=author).values_list("follower_id", flat=True)
        rows = [Entry(owner_id=follower, post_id=post) for follower in followers]
        Entry.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
        commits.append((time.monotonic(), len(rows)))
    return commits
