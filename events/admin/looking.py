"""Admin pages for looking at rows that only the system itself may change."""

from django.contrib import admin


class ReadOnlyAdmin(admin.ModelAdmin):
    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class MessageAdmin(ReadOnlyAdmin):
    """Of rows that hold a message."""

    @admin.display(description="body")
    def body_text(self, row) -> str:
        return bytes(row.body).decode("utf-8", "replace")
