"""Names of worker processes.

Guarantee: no two workers have the same name, so that copies with one command line live side by side
on one host, and a worker starts again while the broker still knows the one that it replaces.
"""

import secrets

from celery.app.trace import setup_worker_optimizations
from celery.signals import celeryd_init


def make_unique() -> None:
    """From now on `timelines-high@host` is `timelines-high@host-3f9a2c`, anew with each start."""
    celeryd_init.connect(_rename)


def _rename(instance, **_) -> None:
    instance.hostname = f"{instance.hostname}-{secrets.token_hex(3)}"
    # Celery has told it the old name by now, for the tasks' `request.hostname`.
    setup_worker_optimizations(instance.app, instance.hostname)
