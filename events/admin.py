"""Outbox and dead letters in the admin. Inbox entries have a composite key, which it refuses."""

from django.contrib import admin

from events.models import DeadLetter, OutboxEvent


class ReadOnlyAdmin(admin.ModelAdmin):
    """For looking: rows that only the bus itself may change."""

    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class BodyAdmin(ReadOnlyAdmin):
    @admin.display(description="body")
    def body_text(self, row) -> str:
        return bytes(row.body).decode("utf-8", "replace")


@admin.register(OutboxEvent)
class OutboxEventAdmin(BodyAdmin):
    list_display = ("event_id", "routing_key", "created_at", "published_at", "attempts")
    fields = (
        *("event_id", "exchange", "routing_key", "headers", "properties", "body_text"),
        *("created_at", "due_at", "published_at", "attempts", "last_error"),
    )
    ordering = ("-id",)
    search_fields = ("=event_id",)


@admin.register(DeadLetter)
class DeadLetterAdmin(BodyAdmin):
    list_display = ("queue", "message_id", "exception_type", "attempts", "last_failed_at", "state")
    list_filter = ("state", "queue", "task", "exception_type", "last_failed_at")
    fields = (
        *("queue", "message_id", "task", "event_type", "state", "attempts"),
        *("first_failed_at", "last_failed_at"),
        *("exception_type", "exception_message", "traceback"),
        *("traceparent", "headers", "properties", "body_text"),
    )
    ordering = ("-last_failed_at",)
    search_fields = ("=message_id",)
