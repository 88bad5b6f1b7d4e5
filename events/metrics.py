"""The bus's metrics for Prometheus, and their server for processes without a web server.

If PROMETHEUS_MULTIPROC_DIR names a shared directory, all processes of a group (for example the
children of one worker) add to the same metrics.
"""

import os

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    multiprocess,
    start_http_server,
)

from events.conf import setting

# Bucket bounds, from a hop of a few milliseconds to a backlog of an hour. 5 s (pushes) and 30 s
# (timelines) are the promised times.
SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

PUBLISHED = Counter(
    "connectify_events_published", "Messages confirmed by the broker.", ["routing_key"]
)
OUTBOX_SECONDS = Histogram(
    "connectify_events_outbox_seconds",
    "From a message's due time to the broker's confirm.",
    buckets=SECONDS,
)
HANDLED = Counter(
    "connectify_events_handled", "Events that had their effect.", ["subscriber", "event_type"]
)
AGE_SECONDS = Histogram(
    "connectify_events_age_seconds",
    "Age of an event once it had its effect or its tasks were published.",
    ["subscriber"],
    buckets=SECONDS,
)
SKIPPED = Counter(
    "connectify_events_skipped",
    "Events and slices skipped as redelivered, expired, or about something deleted.",
    ["what"],
)
SET_ASIDE = Counter(
    "connectify_events_set_aside", "Events set aside to be retried alone.", ["subscriber"]
)
PARKED = Counter("connectify_events_parked", "Messages made dead letters by consumers.", ["queue"])
TASKS = Counter("connectify_events_tasks", "Runs of tasks, by final state.", ["task", "state"])
TASK_SECONDS = Histogram(
    "connectify_events_task_seconds", "How long runs of tasks took.", ["task"], buckets=SECONDS
)


def registry() -> CollectorRegistry:
    """Return the metrics of this process, or of all processes that share its directory."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # It has no types.
    return shared


def serve() -> None:
    """Serve Prometheus at METRICS_PORT from a thread; do nothing if the port is 0."""
    if port := setting("METRICS_PORT"):
        start_http_server(port, addr=setting("METRICS_ADDRESS"), registry=registry())
