"""Read-only admin pages, for rows that only the program itself may change."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from events import plain
from events.models import DeadLetter, OutboxEvent, WaitingEvent
from events.subjects import CONCEALED, concealed, subjects_of_event


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Not generic at run time.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class IdSearchAdmin(ReadOnlyAdmin):
    """Searches for an exact id in each of `id_fields`; other terms than numbers find nothing."""

    id_fields: tuple[str, ...] = ("id",)
    # Django hides the search box if this is empty.
    search_fields = ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        if not (search_term.isascii() and search_term.isdigit() and len(search_term) < 20):
            return queryset.none(), False
        by_any = Q()
        for name in self.id_fields:
            by_any |= Q(**{name: int(search_term)})
        return queryset.filter(by_any), False


# Bytes of a body that a page shows. The row contains all of it.
SHOWN = 20_000


class MessageAdmin(ReadOnlyAdmin):
    """The admin of a table whose rows hold a message. The body is hidden if the message is about a
    deleted post."""

    @admin.display(description="body")
    def body_text(self, row: OutboxEvent | WaitingEvent | DeadLetter) -> str:
        body = bytes(row.body)
        if concealed(subjects_of_event(body)):
            return CONCEALED
        shown = plain.text(body[:SHOWN])
        return f"{shown}\n… {len(body):,} bytes in all" if len(body) > SHOWN else shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Defer the bodies: lists do not show them, and a letter's body may have 15 MiB."""
        return super().get_queryset(request).defer("body")
