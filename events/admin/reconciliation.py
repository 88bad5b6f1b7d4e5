"""Until when each subscriber is known to have had everything, in the admin."""

from django.contrib import admin

from events.admin.looking import ReadOnlyAdmin
from events.models import Reconciliation


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("subscriber", "complete_until", "empty_at")
