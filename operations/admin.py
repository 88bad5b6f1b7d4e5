"""The operations page: in one look, whether posts arrive in time, what failed, and what to do."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils import timezone

from analytics import figures
from analytics.admin import latency_plot
from analytics.models import Rollup
from events.admin import ReadOnlyAdmin
from operations import failures, lag, storage
from operations.models import Status
from operations.versions import versions

REFRESH_SECONDS = 10
HOUR = timedelta(hours=1)


@admin.register(Status)
class StatusAdmin(ReadOnlyAdmin):
    """Lists no rows: its list is the page."""

    def changelist_view(self, request, extra_context=None) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(
            request,
            "admin/operations/status/page.html",
            self.admin_site.each_context(request) | {"opts": self.opts} | overview(timezone.now()),
        )


def overview(now: datetime) -> dict:
    """Everything the page shows, from a fixed number of statements."""
    pending = lag.outbox()
    lags = lag.lags(pending)
    minutes = list(figures.series(Rollup.EVERYBODY, Rollup.Period.MINUTE, now - HOUR, now))
    labels = [f"{row.starts_at:%H:%M}" for row in minutes]
    return {
        "title": "Operations",
        "now": now,
        "refresh": REFRESH_SECONDS,
        "outbox": lag.total(pending.values()),
        "lags": lags,
        "letters": failures.letters(),
        "sums": {
            name: sum(getattr(row, f"pushes_{name}") for row in minutes)
            for name in ("sent", "failed", "refused", "expired")
        },
        "pushes": failures.pushes(),
        "breakers": failures.breakers(now),
        "plots": [
            latency_plot("Post to timelines", labels, [row.timeline_latency for row in minutes]),
            latency_plot("Post to push", labels, [row.push_latency for row in minutes]),
        ],
        "tables": storage.tables(),
        "versions": versions(ask_broker=all(each.depth is not None for each in lags)),
        "flower": settings.FLOWER_URL,
    }
