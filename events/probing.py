"""Whether a subscriber can work at all: what fails then is the fault of an event.

Guarantee: nothing counts against an event while the database takes no writes or the broker
confirms nothing.
"""

from collections.abc import Callable

import structlog
from django.db import connection

from events.errors import passing
from events.publisher import Publisher

# An id that no event can have.
PROBE_ID = "a probe"
# One row a subscriber. Pruned with the others when it has long not been written.
WRITE = """
    INSERT INTO events_inboxentry (subscriber, event_id, body_hash, received_at)
    VALUES (%s, %s, '', statement_timestamp())
    ON CONFLICT (subscriber, event_id) DO UPDATE SET received_at = excluded.received_at
"""

log = structlog.get_logger(__name__)

Probe = Callable[[], bool]


class SubscriberProbe:
    """Writes and publishes as the subscriber does, without an effect."""

    def __init__(self, subscriber: str, publisher: Publisher):
        self._subscriber = subscriber
        self._publisher = publisher

    def __call__(self) -> bool:
        """True if the database and the broker both took what they were given."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(WRITE, [self._subscriber, PROBE_ID])
            self._publisher.probe()
        except Exception as error:
            if not passing(error):
                raise
            log.warning("no subscriber can work", subscriber=self._subscriber, error=str(error))
            connection.close()
            return False
        return True
