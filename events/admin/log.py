"""The admin's own log of what operators did."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest


def log_action(
    request: HttpRequest, model: type[Model], what: str, message: str, pk: int | None = None
) -> None:
    """Add an entry about `what`: rows of the model, or the one with this key."""
    operator = request.user
    assert operator.pk  # Somebody is logged in, or the admin would have shown no page.
    LogEntry.objects.create(
        user_id=operator.pk,
        content_type=ContentType.objects.get_for_model(model),
        object_id=None if pk is None else str(pk),
        object_repr=what,
        action_flag=CHANGE,
        change_message=message,
    )
