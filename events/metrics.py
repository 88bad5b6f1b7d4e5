"""What the bus counts for Prometheus, and how a process without a web server shows it.

Every process of a group (the children of one worker, say) adds to the same figures where
PROMETHEUS_MULTIPROC_DIR names a directory that they share.
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

# From a hop that takes a millisecond to a backlog of an hour; 5 and 30 s are what is promised.
SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

PUBLISHED = Counter(
    "connectify_events_published", "Messages confirmed by the broker.", ["routing_key"]
)
OUTBOX_SECONDS = Histogram(
    "connectify_events_outbox_seconds", "From due to confirmed.", buckets=SECONDS
)
HANDLED = Counter(
    "connectify_events_handled", "Events that had their effect.", ["subscriber", "event_type"]
)
AGE_SECONDS = Histogram(
    "connectify_events_age_seconds",
    "How old an event was when it had had its effect, or its tasks were published.",
    ["subscriber"],
    buckets=SECONDS,
)
SKIPPED = Counter(
    "connectify_events_skipped",
    "Events and slices without effect: known already, or about what is deleted or has expired.",
    ["what"],
)
SET_ASIDE = Counter(
    "connectify_events_set_aside", "Events that wait by themselves.", ["subscriber"]
)
PARKED = Counter("connectify_events_parked", "Messages made dead letters by consumers.", ["queue"])
TASKS = Counter("connectify_events_tasks", "Runs of tasks, by how they ended.", ["task", "state"])
TASK_SECONDS = Histogram(
    "connectify_events_task_seconds", "How long runs of tasks took.", ["task"], buckets=SECONDS
)


def registry() -> CollectorRegistry:
    """The figures of this process, or of all that share its directory."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)
    return shared


def serve() -> None:
    """Answer Prometheus at METRICS_PORT, from a thread; without one do nothing."""
    if port := setting("METRICS_PORT"):
        start_http_server(port, addr=setting("METRICS_ADDRESS"), registry=registry())
