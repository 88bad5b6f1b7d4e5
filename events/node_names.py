"""Unique names for worker processes.

Guarantee: no two workers have the same name. So several workers with the same command line can run
on one host, and a worker can restart before the broker has noticed that the old one is gone.
"""

import secrets
from typing import Any

from celery.app.trace import setup_worker_optimizations
from celery.signals import celeryd_init


def make_unique() -> None:
    """Add a random suffix to each worker's name: `timelines-high@host` becomes
    `timelines-high@host-3f9a2c`, with a new suffix at each start."""
    celeryd_init.connect(_rename)


def _rename(instance: Any, **_: object) -> None:  # A WorkController; its stubs lack `hostname`.
    instance.hostname = f"{instance.hostname}-{secrets.token_hex(3)}"
    # Celery has already set the tasks' `request.hostname` to the old name; set it again.
    setup_worker_optimizations(instance.app, instance.hostname)
