"""Paused subscribers in the admin, to be looked at."""

from django.contrib import admin

from events.admin.looking import ReadOnlyAdmin
from events.models import Pause


@admin.register(Pause)
class PauseAdmin(ReadOnlyAdmin):
    list_display = ("subscriber", "since", "until")
