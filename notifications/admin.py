"""The admin of devices, preferences and deliveries. Notifications and silenced authors are missing
because Django's admin does not support composite primary keys."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from events.admin import IdSearchAdmin, ReadOnlyAdmin
from events.errors import PassingError, wrap_passing_errors
from notifications import tasks
from notifications.models import (
    Delivery,
    FanOut,
    Preference,
    PushedAuthor,
    PushSubscription,
    ReadMark,
)
from notifications.subscriptions import TestedError


@admin.register(Preference)
class PreferenceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Not generic at run time.
    list_display = ("user", "push_enabled", "time_zone", "quiet_from", "quiet_until", "hourly_cap")
    list_filter = ("push_enabled",)
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    search_fields = ("=user__username",)
    show_full_result_count = False


class TransportFilter(admin.SimpleListFilter):
    """Filter by the transports of the settings. Django's own filter would search every row for the
    values."""

    title = parameter_name = "transport"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in settings.PUSH_TRANSPORTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(transport=self.value()) if self.value() else queryset


@admin.register(PushSubscription)
class PushSubscriptionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Not generic at run time.
    """The users' devices, without their keys and without their full addresses."""

    list_display = (
        *("id", "user", "name", "transport", "host", "created_at", "used_at", "tested_at", "test"),
    )
    list_filter = (TransportFilter, "test")
    list_select_related = ("user",)
    fields = ("user", "name", "transport", "host", "created_at", "used_at", "tested_at", "test")
    readonly_fields = fields
    search_fields = ("=user__username",)
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("send_test_push",)

    @admin.display
    def host(self, subscription: PushSubscription) -> str:
        """The endpoint's host; "" for a token. The rest of an endpoint is as good as a password,
        and so is a whole token."""
        return "".join(subscription.endpoint.split("/", 3)[2:3])

    @admin.action(description="Send a test push", permissions=["change"])
    def send_test_push(self, request: HttpRequest, queryset: QuerySet[PushSubscription]) -> None:
        for device in queryset:
            try:
                with wrap_passing_errors():
                    tasks.enqueue_trial(device)
            except (TestedError, PassingError) as error:
                self.message_user(request, f"{device}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{device}: the test runs; its result appears here.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ReadMark)
class ReadMarkAdmin(ReadOnlyAdmin):
    list_display = ("user", "post_id", "seen_up_to")
    list_select_related = ("user",)
    search_fields = ("=user__username",)


class LatestFilter(admin.SimpleListFilter):
    """Filter by the values of the latest deliveries. Django's own filter would read all rows."""

    latest = 2_000
    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Delivery.objects.order_by("-post_id").values_list(self.parameter_name, flat=True)
        return [(value, value) for value in sorted(set(rows[: self.latest]) - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class HostFilter(LatestFilter):
    title = parameter_name = "host"


class ReasonFilter(LatestFilter):
    title = parameter_name = "reason"


@admin.register(Delivery)
class DeliveryAdmin(IdSearchAdmin):
    list_display = (
        *("post_id", "recipient_id", "subscription_id", "host"),
        *("state", "provider_status", "reason", "attempts", "due_at", "settled_at"),
    )
    list_filter = ("state", ReasonFilter, HostFilter)
    id_fields = ("post_id", "recipient_id")
    ordering = ("-post_id",)


@admin.register(FanOut)
class FanOutAdmin(IdSearchAdmin):
    list_display = ("post_id", "planned_at", "finished_at")
    ordering = ("-post_id",)
    id_fields = ("post_id",)


@admin.register(PushedAuthor)
class PushedAuthorAdmin(IdSearchAdmin):
    list_display = ("author_id",)
    ordering = ("-author_id",)
    id_fields = ("author_id",)
