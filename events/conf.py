"""The bus's settings, with what holds where a project sets none."""

from datetime import timedelta

from django.conf import settings

DEFAULTS = {
    # The module whose import makes the Celery app that this project's tasks belong to.
    "CELERY_APP": None,
    # The function to which concealed() in subjects.py puts its question; None conceals nothing.
    "EVENTS_CONCEALED": None,
    # What the database's own address and login have otherwise than the default ones, where these
    # lead to a pooler.
    "DATABASE_DIRECT": {},
    # Where a process without a web server shows its figures to Prometheus; no port, nowhere.
    "METRICS_PORT": 0,
    "METRICS_ADDRESS": "127.0.0.1",
    # How long published events, inbox rows, closed letters and task results are kept. A message
    # that comes again later than the inbox remembers is refused.
    "EVENTS_KEEP_PUBLISHED": timedelta(days=7),
    "EVENTS_KEEP_INBOX": timedelta(days=8),
    "EVENTS_KEEP_LETTERS": timedelta(days=90),
    "EVENTS_KEEP_RESULTS": timedelta(days=7),
}


def setting(name: str):
    return getattr(settings, name, DEFAULTS[name])
