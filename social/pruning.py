"""Deleting rows that nobody needs any more, in batches that hold no lock for long."""

from django.db.models import QuerySet

from events.batches import delete_in_batches


def prune(old: QuerySet) -> int:
    """Delete these rows; returns how many."""

    def delete(batch: int) -> int:
        ids = list(old.values_list("pk", flat=True)[:batch])
        old.model.objects.filter(pk__in=ids).delete()
        return len(ids)

    return delete_in_batches(delete)
