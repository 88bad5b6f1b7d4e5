"""The bus's settings and their defaults."""

from datetime import timedelta
from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # The module whose import makes the Celery app that this project's tasks belong to.
    "CELERY_APP": None,
    # The function that concealed() in subjects.py calls; None conceals nothing.
    "EVENTS_CONCEALED": None,
    # The entries of DATABASES["default"] that differ for a direct connection to the database, if
    # the default connection goes through a pooler.
    "DATABASE_DIRECT": {},
    # Where a process without a web server serves its metrics to Prometheus; port 0 disables this.
    "METRICS_PORT": 0,
    "METRICS_ADDRESS": "127.0.0.1",
    # How long published events, inbox rows, closed letters and task results are kept. A message
    # older than EVENTS_KEEP_INBOX is refused, because the inbox cannot recognise a redelivery.
    "EVENTS_KEEP_PUBLISHED": timedelta(days=7),
    "EVENTS_KEEP_INBOX": timedelta(days=8),
    "EVENTS_KEEP_LETTERS": timedelta(days=90),
    "EVENTS_KEEP_RESULTS": timedelta(days=7),
}


def setting(name: str) -> Any:
    return getattr(settings, name, DEFAULTS[name])
