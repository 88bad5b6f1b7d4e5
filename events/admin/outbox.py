"""The outbox in the admin."""

from django.contrib import admin

from events.admin.read_only import MessageAdmin
from events.models import OutboxEvent


@admin.register(OutboxEvent)
class OutboxEventAdmin(MessageAdmin):
    list_display = (
        "event_id",
        "routing_key",
        "created_at",
        "published_at",
        "attempts",
        "last_error",
    )
    fields = (
        *("event_id", "exchange", "routing_key", "headers", "properties", "body_text"),
        *("created_at", "due_at", "published_at", "attempts", "last_error"),
    )
    ordering = ("-id",)
    search_fields = ("=event_id",)
