"""Admin pages of fan-outs, readers and the watermark. Timeline entries and slices are missing: the
admin refuses models with a composite primary key."""

from django.contrib import admin

from events.admin import IdSearchAdmin, ReadOnlyAdmin
from timelines.models import Dormant, FanOut, Reader, Watermark


@admin.register(FanOut)
class FanOutAdmin(IdSearchAdmin):
    list_display = ("post_id", "planned_at", "finished_at", "waiting")
    ordering = ("-post_id",)
    id_fields = ("post_id",)


@admin.register(Reader)
class ReaderAdmin(IdSearchAdmin):
    list_display = ("owner_id", "seen_at", "read_up_to")
    ordering = ("-seen_at",)
    id_fields = ("owner_id",)


@admin.register(Dormant)
class DormantAdmin(IdSearchAdmin):
    list_display = ("owner_id", "returned_at")
    id_fields = ("owner_id",)


@admin.register(Watermark)
class WatermarkAdmin(ReadOnlyAdmin):
    list_display = ("post_id", "stragglers")
