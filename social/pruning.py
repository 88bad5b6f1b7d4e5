"""Delete old rows in batches that hold no lock for long."""

from typing import Any

from django.db.models import QuerySet

from events.batches import delete_in_batches


def prune(old: QuerySet[Any]) -> int:
    """Delete the rows of `old`; returns how many."""

    def delete(batch: int) -> int:
        ids = list(old.values_list("pk", flat=True)[:batch])
        old.model._default_manager.filter(pk__in=ids).delete()
        return len(ids)

    return delete_in_batches(delete)
