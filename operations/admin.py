"""The operations page: shows whether posts arrive in time, what failed, and what to do."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from analytics import figures
from analytics.admin import latency_plot
from analytics.models import Rollup
from events import pausing, unroutable
from events.admin import ReadOnlyAdmin, log_action
from events.errors import PassingError, wrap_passing_errors
from events.outbox import total
from notifications import rejections
from operations import canary, failures, journey, lag, storage, stuck
from operations.figures import figures as subscribers_figures
from operations.models import Canary, Status
from operations.steering import ACTIONS
from operations.versions import versions

REFRESH_SECONDS = 10
HOUR = timedelta(hours=1)


@admin.register(Canary)
class CanaryAdmin(ReadOnlyAdmin):
    list_display = ("post_id", "posted_at")
    ordering = ("-post_id",)


@admin.register(Status)
class StatusAdmin(ReadOnlyAdmin):
    """The operations page in place of a list of rows."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(
            request,
            "admin/operations/status/page.html",
            self.admin_site.each_context(request) | {"opts": self.opts} | overview(timezone.now()),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("journey/", view(self.journey_view), name="operations_journey"),
            path("steer/<slug:name>/", view(self.steer_view), name="operations_steer"),
            *super().get_urls(),
        ]

    def journey_view(self, request: HttpRequest) -> TemplateResponse:
        """Show why a post has, or has not, reached a user."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        given, user_given = request.GET.get("post", ""), request.GET.get("user", "").strip()
        user = journey.find_user(user_given)
        steps, problem = [], ""
        if not (given.isascii() and given.isdigit() and len(given) < 19):
            problem = "Give a post's id."
        elif user is None:
            problem = f"There is no user {user_given}."
        else:
            steps = journey.steps(int(given), user)
        context = self.admin_site.each_context(request) | {
            "title": f"Post {given} to {user_given}",
            "opts": self.opts,
            "post": given,
            "user_given": user_given,
            "steps": steps,
            "problem": problem,
        }
        return TemplateResponse(request, "admin/operations/status/journey.html", context)

    def steer_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for the action's parameters, then for confirmation; then run and log it."""
        action = ACTIONS.get(name)
        if action is None:
            raise Http404
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        form = action.form(
            request.POST if request.method == "POST" else None, initial=request.GET.dict()
        )
        if form.is_valid() and "confirmed" in request.POST:
            try:
                with wrap_passing_errors():
                    done = action.run(**form.cleaned_data)
            except (PassingError, LookupError) as error:
                self.message_user(request, f"Not done: {error}", messages.ERROR)
            else:
                self.message_user(request, done)
                log_action(request, Status, "operations", f"{action.title}: {done}")
            return redirect("admin:operations_status_changelist")
        context = self.admin_site.each_context(request) | {
            "title": action.title,
            "opts": self.opts,
            "action": action,
            "form": form,
        }
        return TemplateResponse(request, "admin/operations/status/steer.html", context)


def overview(now: datetime) -> dict[str, Any]:
    """Return everything that the page shows, from a fixed number of statements."""
    pending = lag.outbox()
    lags = lag.lags(pending)
    minutes = list(figures.series(Rollup.EVERYBODY, Rollup.Period.MINUTE, now - HOUR, now))
    labels = [f"{row.starts_at:%H:%M}" for row in minutes]
    return {
        "title": "Operations",
        "now": now,
        "refresh": REFRESH_SECONDS,
        "outbox": total(pending.values()),
        "unroutable": unroutable.unroutable(),
        "lags": lags,
        "figures": subscribers_figures(),
        "stuck": list(stuck.ailments(now)),
        "canary_age": canary.age(now=now),
        "pauses": pausing.paused(),
        "actions": ACTIONS,
        "letters": failures.letters(),
        "sums": {
            name: sum(getattr(row, f"pushes_{name}") for row in minutes)
            for name in ("sent", "failed", "refused", "expired")
        },
        "pushes": failures.pushes(),
        "breakers": failures.breakers(now),
        "rejections": rejections.rejections(),
        "plots": [
            latency_plot("Post to timelines", labels, [row.timeline_latency for row in minutes]),
            latency_plot("Post to push", labels, [row.push_latency for row in minutes]),
        ],
        "tables": storage.tables(),
        "versions": versions(ask_broker=all(each.depth is not None for each in lags)),
        "flower": settings.FLOWER_URL,
    }
