"""Paused subscribers in the admin, read-only."""

from django.contrib import admin

from events.admin.read_only import ReadOnlyAdmin
from events.models import Pause


@admin.register(Pause)
class PauseAdmin(ReadOnlyAdmin):
    list_display = ("subscriber", "since", "until")
