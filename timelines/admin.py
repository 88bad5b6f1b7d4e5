"""Fan-outs in the admin. Timeline entries and slices have composite keys, which it refuses."""

from django.contrib import admin

from events.admin import IdSearchAdmin
from timelines.models import FanOut


@admin.register(FanOut)
class FanOutAdmin(IdSearchAdmin):
    list_display = ("post_id", "planned_at", "finished_at")
    ordering = ("-post_id",)
    id_fields = ("post_id",)
