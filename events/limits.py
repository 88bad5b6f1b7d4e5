"""Time limits that PostgreSQL enforces for every session of the database, including psql.

Guarantee: if a process is frozen, or its machine or network is down, the row locks and advisory
locks that it holds are free again within 30 s, and the timelines' watermark no longer waits for its
posts. `migrate` sets the limits on the database, except those that an administrator has set there.
"""

import structlog
from django.db import DEFAULT_DB_ALIAS, Error, connections

from events.direct import own_session

LIMITS = {
    # More than the 10 s that the relay waits for confirms while it holds row locks.
    "idle_in_transaction_session_timeout": "20s",
    # A session that waits for a table lock blocks every later one, so it must not wait long.
    "lock_timeout": "10s",
    # PostgreSQL 17 and later. Ends a transaction that is never idle for long.
    "transaction_timeout": "5min",
    # The rest detects a lost client: it does not acknowledge data (nor does a frozen client whose
    # buffer is full), or does not answer keepalives, or closed its socket during a statement.
    "tcp_user_timeout": "20000",  # Milliseconds.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}
# Only for limits that this server knows and that are not yet set for this database.
STATEMENTS = """
    SELECT format('ALTER DATABASE %%I SET %%I = %%L', current_database(), name, value)
    FROM unnest(%s::text[], %s::text[]) AS wanted (name, value) JOIN pg_settings USING (name)
    WHERE name NOT IN (
        SELECT split_part(setting, '=', 1)
        FROM pg_db_role_setting, unnest(setconfig) AS setting
        WHERE setrole = 0
              AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""
# The longest time that an idle transaction may hold its locks.
BOUND_SECONDS = 30

log = structlog.get_logger(__name__)


def set_on_database(using: str, **_: object) -> None:
    """Set the missing limits; a receiver of `post_migrate`. They apply to new sessions. Only the
    database's owner may set them: other roles get a warning in the log, and from doctor."""
    if connections[using].vendor != "postgresql":
        return
    with connections[using].cursor() as cursor:
        for statement in missing(using):
            try:
                cursor.execute(statement)
            except Error as error:
                log.warning("time limit not set", statement=statement, error=str(error).strip())


def missing(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return the statements that set the missing limits."""
    with connections[using].cursor() as cursor:
        cursor.execute(STATEMENTS, [list(LIMITS), list(LIMITS.values())])
        return [row[0] for row in cursor]


def idle_seconds() -> float:
    """Return the seconds after which PostgreSQL ends an idle transaction of a session that does not
    set its own limit, for example psql's; 0 means never."""
    session = own_session()
    options = session.settings_dict["OPTIONS"]
    session.settings_dict["OPTIONS"] = {k: v for k, v in options.items() if k != "options"}
    try:
        with session.cursor() as cursor:
            cursor.execute(
                "SELECT setting::float / 1000 FROM pg_settings"
                " WHERE name = 'idle_in_transaction_session_timeout'"
            )
            return float(cursor.fetchone()[0])
    finally:
        session.close()
