"""The horizons of the partitioned tables, read-only."""

from django.contrib import admin

from events.admin import ReadOnlyAdmin
from fanout.models import Horizon


@admin.register(Horizon)
class HorizonAdmin(ReadOnlyAdmin):
    list_display = ("table_name", "post_id")
