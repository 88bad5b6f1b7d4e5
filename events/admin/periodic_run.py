"""When each periodic task last began, in the admin."""

from django.contrib import admin

from events.admin.looking import ReadOnlyAdmin
from events.models import PeriodicRun


@admin.register(PeriodicRun)
class PeriodicRunAdmin(ReadOnlyAdmin):
    list_display = ("task", "began_at")
