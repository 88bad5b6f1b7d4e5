"""Devices, preferences and deliveries in the admin. Notifications have a composite key, which it
refuses."""

from urllib.parse import urlsplit

from django.contrib import admin

from events.admin import IdSearchAdmin
from notifications.models import Delivery, FanOut, Preference, PushSubscription


@admin.register(Preference)
class PreferenceAdmin(admin.ModelAdmin):
    list_display = ("user", "push_enabled")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    search_fields = ("=user__username",)
    show_full_result_count = False


@admin.register(PushSubscription)
class PushSubscriptionAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "name", "transport", "host", "created_at")
    list_filter = ("transport",)
    list_select_related = ("user",)
    fields = ("user", "name", "transport", "host", "created_at")
    readonly_fields = fields
    search_fields = ("=user__username",)
    show_full_result_count = False

    @admin.display
    def host(self, subscription: PushSubscription) -> str:
        """The rest of an endpoint is as good as a password; so is a whole token."""
        return urlsplit(subscription.endpoint).netloc

    def has_add_permission(self, request) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(IdSearchAdmin):
    list_display = ("post_id", "recipient_id", "subscription_id", "state", "attempts", "reason")
    list_filter = ("state",)
    id_fields = ("post_id", "recipient_id")
    ordering = ("-post_id",)


@admin.register(FanOut)
class FanOutAdmin(IdSearchAdmin):
    list_display = ("post_id", "planned_at", "finished_at")
    ordering = ("-post_id",)
    id_fields = ("post_id",)
