"""The last run of each periodic task, in the admin."""

from django.contrib import admin

from events.admin.read_only import ReadOnlyAdmin
from events.models import PeriodicRun


@admin.register(PeriodicRun)
class PeriodicRunAdmin(ReadOnlyAdmin):
    list_display = ("task", "began_at")
