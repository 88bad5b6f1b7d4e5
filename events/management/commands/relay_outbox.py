"""The relay process."""

from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from events import metrics
from events.backoff import full_jitter
from events.errors import END, verdict
from events.introduction import introduce_when_ready
from events.publisher import Publisher
from events.relay import BATCH, POLL_SECONDS, Listener, relay_batch, seconds_until_due
from events.stopping import Stop

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Publishes the outbox's events to RabbitMQ as they are recorded. Run one or more."

    def handle(self, **options: Any) -> None:
        stop = Stop.on_signals()
        publisher = Publisher(settings.BROKER_URL)
        listener = Listener()
        failures = 0
        metrics.serve()
        introduce_when_ready(stop)
        log.info("relay started")
        while not stop.requested:
            try:
                if relay_batch(publisher) < BATCH:
                    listener.wait(seconds_until_due(), stop.wakeup)
                failures = 0
            except Exception as error:
                if verdict(error) is END:
                    raise
                failures += 1
                log.warning("relay waits", error=str(error), failures=failures, exc_info=True)
                listener.close()
                connection.close()
                stop.wait(full_jitter(failures, cap=POLL_SECONDS))
        publisher.close()
        log.info("relay stopped")
