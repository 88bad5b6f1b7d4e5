"""Recording the time from which a new subscriber gets events.

Guarantee: a subscriber's start is recorded before one of our processes first declares its queue. So
the reconciler resends whatever that queue loses from its first moment on, and a subscriber that
starts "now" gets no earlier events.
"""

from datetime import timedelta

import structlog
from django.db import connection

from events.backoff import full_jitter
from events.conf import setting
from events.errors import PassingError, wrap_passing_errors
from events.registry import subscribers
from events.stopping import Stop

RETRY_CAP_SECONDS = 5.0
# Consumers refuse an event that is older than the inbox's rows. This margin gives them time to
# process the oldest events before that.
MARGIN = timedelta(hours=1)

INTRODUCE = """
    INSERT INTO events_reconciliation (subscriber, complete_until)
    SELECT name, statement_timestamp() - CASE WHEN earliest THEN %s ELSE interval '0' END
    FROM unnest(%s::text[], %s::bool[]) AS subscriber (name, earliest)
    ON CONFLICT DO NOTHING
"""

log = structlog.get_logger(__name__)


def introduce() -> None:
    """Record the start of each subscriber that has none yet; harmless when repeated."""
    names = list(subscribers)
    earliest = [each.start == "earliest" for each in subscribers.values()]
    kept = min(setting("EVENTS_KEEP_INBOX"), setting("EVENTS_KEEP_PUBLISHED"))
    with connection.cursor() as cursor:
        cursor.execute(INTRODUCE, [max(kept - MARGIN, timedelta()), names, earliest])


def introduce_when_ready(stop: Stop) -> None:
    """Introduce all subscribers when a process starts. Wait until the database and its tables are
    there, or a stop is requested."""
    failures = 0
    while not stop.requested:
        try:
            # A missing table, before `migrate` has run, is a passing error too.
            with wrap_passing_errors():
                introduce()
            return
        except PassingError as error:
            failures += 1
            log.warning("waiting for the database", error=str(error), failures=failures)
            connection.close()
            stop.wait(full_jitter(failures, cap=RETRY_CAP_SECONDS))
