"""Metrics for Prometheus: of the requests, and of the whole system, as on the operations page.

Guarantee: without the broker all other metrics are still there, and
`connectify_operations_broker_up` is 0.
"""

import hmac
import math
import time
from collections.abc import Callable, Iterator, Mapping

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from events import pausing, unroutable, waiting
from events.metrics import SECONDS, registry
from events.outbox import total
from notifications import rejections
from operations import canary, failures, lag, stuck
from operations.figures import figures

REQUEST_SECONDS = Histogram(
    "connectify_web_request_seconds",
    "How long requests took.",
    ["method", "route", "status"],
    buckets=SECONDS,
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# The name and help text of each metric, and how it is read from a subscriber's lag. None is left
# out.
PER_SUBSCRIBER: tuple[tuple[str, str, Callable[[lag.Lag], float | None]], ...] = (
    ("oldest_seconds", "Age of the oldest unfinished event.", lambda each: each.oldest_seconds),
    ("target_seconds", "The promised highest age.", lambda each: each.target_seconds),
    ("outstanding_rows", "Rows still to be written.", lambda each: each.rows_outstanding),
    ("unsettled_pushes", "Pushes still retried after the target.", lambda each: each.unsettled),
    ("drain_seconds", "Until nothing is outstanding.", lambda each: each.seconds_to_drain),
)


class RequestMetrics:
    """Middleware that measures requests by route, since paths would make too many series."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        method = request.method if request.method in METHODS else "other"
        labels = method, match.route if match else "none", response.status_code
        REQUEST_SECONDS.labels(*labels).observe(time.perf_counter() - began)
        return response


class SystemCollector(Collector):
    """Reads the state of the whole system from database and broker whenever Prometheus scrapes."""

    def collect(self) -> Iterator[Metric]:
        pending = lag.outbox()
        whole = total(pending.values())
        lags = lag.lags(pending)
        yield _gauge("outbox_messages", "Messages that wait to be published.", whole.count)
        yield _gauge("outbox_seconds", "How long the oldest has waited.", whole.oldest_seconds)
        stranded = sum(each.count for each in unroutable.unroutable())
        yield _gauge("unroutable_messages", "Messages that no queue takes.", stranded)
        for name, text, value in PER_SUBSCRIBER:
            yield _labelled(
                f"lag_{name}", text, "subscriber", {each.subscriber: value(each) for each in lags}
            )
        depths: dict[str, int | None] = {}
        for each in lags:
            depths |= {each.queue: each.depth, **(each.lanes or {})}
        yield _labelled("queue_messages", "Messages that wait at the broker.", "queue", depths)
        if (age := canary.age(now=timezone.now())) is not None:
            yield _gauge("canary_seconds", "Age of the newest canary that has arrived.", age)
        longest = max((each.seconds for each in stuck.open_transactions()), default=0.0)
        yield _gauge("open_transaction_seconds", "Age of the longest idle transaction.", longest)
        standing = stuck.watermark_seconds()
        text = "Age of the oldest post that the watermark has not passed."
        yield _gauge("watermark_seconds", text, standing)
        silent = stuck.beat_seconds()
        silent = math.inf if silent is None else silent
        yield _gauge("beat_seconds", "Seconds since a periodic task last began.", silent)
        held = pausing.paused()
        paused = {each.subscriber: each.subscriber in held for each in lags}
        yield _labelled("paused", "1 if the subscriber is paused.", "subscriber", paused)
        aside = dict.fromkeys(paused, 0)
        aside |= {each.subscriber: each.count for each in waiting.all_set_aside()}
        yield _labelled("set_aside", "Events that are retried alone.", "subscriber", aside)
        yield _gauge("broker_up", "1 if the broker answers.", lags[0].depth is not None)
        rejecting = dict.fromkeys(rejections.rejecting(), 1)
        text = "1 for a push service that rejects most of our users' pushes."
        yield _labelled("push_rejected", text, "origin", rejecting)
        letters: dict[str, int] = {}
        for group in failures.letters():
            letters[group.queue] = letters.get(group.queue, 0) + group.count
        yield _labelled("dead_letters", "Open dead letters.", "queue", letters)
        if offered := figures():
            yield _offered(offered)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"connectify_operations_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float | None]) -> Metric:
    family = GaugeMetricFamily(f"connectify_operations_{name}", text, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family


def _offered(figures: Mapping[str, Mapping[str, float]]) -> Metric:
    family = GaugeMetricFamily(
        "connectify_operations_figure",
        "Figures that subscribers offer about themselves.",
        labels=["subscriber", "figure"],
    )
    for subscriber, own in figures.items():
        for name, value in own.items():
            family.add_metric([subscriber, name], value)
    return family


def bears_token(request: HttpRequest) -> bool:
    """Return True if the request carries METRICS_TOKEN."""
    given = request.headers.get("Authorization", "").encode()
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, wanted)


def metrics_view(request: HttpRequest) -> HttpResponse:
    """Answer requests that carry METRICS_TOKEN with all metrics; raise Http404 for others."""
    if not bears_token(request):
        raise Http404
    system = CollectorRegistry()
    system.register(SystemCollector())
    answer = generate_latest(registry()) + generate_latest(system)
    return HttpResponse(answer, content_type=CONTENT_TYPE_LATEST)
