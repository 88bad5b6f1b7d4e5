"""Prometheus metrics of the timelines."""

from prometheus_client import Counter, Histogram

from events.metrics import SECONDS

ROWS = Counter("connectify_timelines_rows", "Timeline rows written.")
SLICE_SECONDS = Histogram(
    "connectify_timelines_slice_seconds",
    "From a post's creation to a slice of its rows.",
    buckets=SECONDS,
)
