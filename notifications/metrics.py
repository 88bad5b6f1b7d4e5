"""The Prometheus metrics of notifications."""

from prometheus_client import Counter, Histogram

from events.metrics import SECONDS

PUSHES = Counter("connectify_notifications_pushes", "Attempts, by how they ended.", ["state"])
PUSH_SECONDS = Histogram(
    "connectify_notifications_push_seconds",
    "From a post's creation to the push service's acceptance.",
    buckets=SECONDS,
)
