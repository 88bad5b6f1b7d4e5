"""Read figures from the rollups, for one author or for everybody."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from analytics import histogram
from analytics.models import Rollup

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def series(
    author_id: int, period: Rollup.Period, since: datetime, until: datetime
) -> QuerySet[Rollup]:
    """The rollups that start in [since, until), oldest first. A period without events has no row.
    Uses the unique index analytics_rollup_once."""
    return Rollup.objects.filter(
        author_id=author_id, period=period, starts_at__gte=since, starts_at__lt=until
    ).order_by("starts_at")


def percentiles_ms(*histograms: Sequence[int]) -> dict[str, int | None]:
    """p50, p95 and p99 of the merged histograms in milliseconds; None if they are empty."""
    merged = histogram.merge(histograms)
    found = {name: histogram.percentile(merged, share) for name, share in SHARES.items()}
    return {name: None if s is None else round(s * 1000) for name, s in found.items()}


def about_few(rollup: Rollup) -> list[str]:
    """The names of the figures that are about fewer than FIGURES_FROM people per post, and so must
    be hidden. Counts slices instead of posts where possible: a post of an author with few followers
    has one slice. Older rollups have no number of slices."""
    least = settings.FIGURES_FROM * (rollup.slices or rollup.posts or 1)
    if rollup.reach < least:
        return ["reach", "timeline_latency_ms", "pushes", "push_latency_ms"]
    return ["pushes", "push_latency_ms"] if rollup.pushed < least else []
