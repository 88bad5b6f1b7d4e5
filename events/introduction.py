"""Where a new subscriber starts.

Guarantee: before a process of ours first declares a subscriber's queue, the subscriber's start is
noted. So whatever is lost of that queue from its first moment on is sent again, and a subscriber
that starts "now" is sent nothing from before.
"""

from datetime import timedelta

import structlog
from django.db import connection

from events.backoff import full_jitter
from events.conf import setting
from events.errors import PassingError, told_apart
from events.registry import subscribers
from events.stopping import Stop

RETRY_CAP_SECONDS = 5.0
# Consumers refuse an event that is older than the inbox remembers. This is time for them to work
# off the oldest ones.
MARGIN = timedelta(hours=1)

INTRODUCE = """
    INSERT INTO events_reconciliation (subscriber, complete_until)
    SELECT name, statement_timestamp() - CASE WHEN earliest THEN %s ELSE interval '0' END
    FROM unnest(%s::text[], %s::bool[]) AS subscriber (name, earliest)
    ON CONFLICT DO NOTHING
"""

log = structlog.get_logger(__name__)


def introduce() -> None:
    """Note the start of each subscriber that has none yet; harmless when repeated."""
    names = list(subscribers)
    earliest = [each.start == "earliest" for each in subscribers.values()]
    kept = min(setting("EVENTS_KEEP_INBOX"), setting("EVENTS_KEEP_PUBLISHED"))
    with connection.cursor() as cursor:
        cursor.execute(INTRODUCE, [max(kept - MARGIN, timedelta()), names, earliest])


def introduce_patiently(stop: Stop) -> None:
    """The same at a process's start: wait for the database, and its tables, until a stop is
    requested."""
    failures = 0
    while not stop.requested:
        try:
            # A table that is not there yet, before `migrate`, passes too.
            with told_apart():
                introduce()
            return
        except PassingError as error:
            failures += 1
            log.warning("waiting for the database", error=str(error), failures=failures)
            connection.close()
            stop.wait(full_jitter(failures, cap=RETRY_CAP_SECONDS))
