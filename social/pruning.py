"""Delete old rows in batches that hold no lock for long."""

from django.db.models import QuerySet

BATCH = 5_000


def prune(old: QuerySet) -> int:
    """Delete the rows of `old`; returns how many."""
    total = 0
    while True:
        batch = list(old.values_list("pk", flat=True)[:BATCH])
        total += old.model.objects.filter(pk__in=batch).delete()[0]
        if len(batch) < BATCH:
            return total
