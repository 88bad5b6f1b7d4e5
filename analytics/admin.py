"""Event records and daily counts in the admin, to be looked at."""

from django.contrib import admin

from analytics.models import DailyCount, EventRecord
from events.admin import ReadOnlyAdmin


@admin.register(EventRecord)
class EventRecordAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "event_type", "occurred_at")
    ordering = ("-occurred_at",)
    search_fields = ("=event_id",)


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnlyAdmin):
    list_display = ("day", "metric", "count")
    ordering = ("-day", "metric")
