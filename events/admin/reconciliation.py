"""How far each subscriber is reconciled, in the admin."""

from django.contrib import admin

from events.admin.read_only import ReadOnlyAdmin
from events.models import Reconciliation


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("subscriber", "complete_until", "empty_at")
