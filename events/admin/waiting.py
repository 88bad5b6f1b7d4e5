"""Events that are set aside, in the admin."""

from django.contrib import admin

from events.admin.read_only import MessageAdmin
from events.models import WaitingEvent


@admin.register(WaitingEvent)
class WaitingEventAdmin(MessageAdmin):
    list_display = ("event_id", "subscriber", "attempts", "set_aside_at", "due_at", "reason")
    list_filter = ("subscriber",)
    fields = (
        *("subscriber", "event_id", "attempts", "reason", "set_aside_at", "due_at"),
        *("headers", "properties", "body_text"),
    )
    ordering = ("due_at",)
    search_fields = ("=event_id",)
