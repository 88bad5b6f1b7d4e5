"""Admin pages of event records and rollups (read-only), and plots of the rollups."""

from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from analytics import figures
from analytics.models import EventRecord, Rollup
from analytics.plots import Plot, plot
from events.admin import IdSearchAdmin, ReadOnlyAdmin

# The time span of the plots, and the format of their time labels.
SPANS = {Rollup.Period.DAY: timedelta(days=60), Rollup.Period.HOUR: timedelta(days=3)}
FORMATS = {Rollup.Period.DAY: "%d %b", Rollup.Period.HOUR: "%d %b %Hh"}


@admin.register(EventRecord)
class EventRecordAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "event_type", "occurred_at")
    ordering = ("-occurred_at",)
    search_fields = ("=event_id",)


@admin.register(Rollup)
class RollupAdmin(IdSearchAdmin):
    list_display = (
        *("period", "starts_at", "author_id", "posts", "reach"),
        *("pushes_sent", "pushes_failed", "pushes_refused", "pushes_expired", "gained", "lost"),
    )
    list_filter = ("period",)
    ordering = ("-starts_at", "author_id")
    id_fields = ("author_id",)
    change_list_template = "admin/analytics/rollup/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        plots = self.admin_site.admin_view(self.plots_view)
        return [path("plots/", plots, name="analytics_rollup_plots"), *super().get_urls()]

    def plots_view(self, request: HttpRequest) -> TemplateResponse:
        """Plot posts, reach, pushes, followers and latencies of one author or of everybody."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        given = request.GET.get("author", "")
        author = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
        period = Rollup.Period.HOUR if request.GET.get("period") == "hour" else Rollup.Period.DAY
        now = timezone.now()
        rows = list(figures.series(author, period, now - SPANS[period], now))
        context = self.admin_site.each_context(request) | {
            "title": f"Figures of user {author}" if author else "Figures of everybody",
            "opts": self.opts,
            "author": author,
            "period": period.value,
            "plots": _plots(rows, FORMATS[period]),
        }
        return TemplateResponse(request, "admin/analytics/rollup/plots.html", context)


def _plots(rows: list[Rollup], form: str) -> list[Plot]:
    labels = [row.starts_at.strftime(form) for row in rows]
    pushes, followers = ("sent", "failed", "refused", "expired"), ("gained", "lost")
    return [
        plot("Posts", labels, {"posts": [row.posts for row in rows]}),
        plot("Reach: timeline rows", labels, {"rows": [row.reach for row in rows]}),
        plot("Pushes", labels, {n: [getattr(row, f"pushes_{n}") for row in rows] for n in pushes}),
        plot("Followers", labels, {n: [getattr(row, n) for row in rows] for n in followers}),
        latency_plot("Post to timelines", labels, [row.timeline_latency for row in rows]),
        latency_plot("Post to push", labels, [row.push_latency for row in rows]),
    ]


def latency_plot(title: str, labels: list[str], histograms: list[list[int]]) -> Plot:
    """Plot p99, p95 and p50 of each histogram, in milliseconds."""
    found = [figures.percentiles_ms(each) for each in histograms]
    names = sorted(figures.SHARES, reverse=True)
    return plot(f"{title}, ms", labels, {name: [each[name] for each in found] for name in names})
