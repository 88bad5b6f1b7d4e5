"""Probing whether a subscriber can work at all. If it can, a failure was caused by the event.

Guarantee: no attempt counts against an event while the database takes no writes or the broker
confirms no messages.
"""

from collections.abc import Callable

import structlog
from django.db import connection

from events.errors import passing
from events.publisher import Publisher

# An id that no event can have.
PROBE_ID = "a probe"
# One row per subscriber. Pruning removes it like any other when it has not been written for long.
WRITE = """
    INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
    VALUES (%s, %s, '', statement_timestamp())
    ON CONFLICT (subscriber, event_id) DO UPDATE SET received_at = excluded.received_at
"""

log = structlog.get_logger(__name__)

Probe = Callable[[], bool]


class SubscriberProbe:
    """Writes to the database and publishes to the broker as the subscriber does, but without an
    effect."""

    def __init__(self, subscriber: str, publisher: Publisher):
        self._subscriber = subscriber
        self._publisher = publisher

    def __call__(self) -> bool:
        """Return True if the database and the broker both accepted the probe."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(WRITE, [self._subscriber, PROBE_ID])
            self._publisher.probe()
        except Exception as error:
            if not passing(error):
                raise
            log.warning("subscriber cannot work", subscriber=self._subscriber, error=str(error))
            connection.close()
            return False
        return True
