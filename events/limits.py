"""Time limits that PostgreSQL keeps for every session of the database, an operator's psql too.

Guarantee: what a process holds that is frozen, or whose machine or link is gone, is free again
within 30 s: row locks, advisory locks, and posts that the watermark of the timelines waits for.
`migrate` sets the limits on the database. One that an administrator has set there stays as it is.
"""

import structlog
from django.db import DEFAULT_DB_ALIAS, Error, connections

from events.direct import own_session

LIMITS = {
    # Above the 10 s for which the relay waits for its confirms while it has rows locked.
    "idle_in_transaction_session_timeout": "20s",
    # Who waits for a table's lock holds up all that come after.
    "lock_timeout": "10s",
    # PostgreSQL 17 and later: a transaction that is never idle for long.
    "transaction_timeout": "5min",
    # A client that is gone: its last answer is not acknowledged (a frozen one does not take it), or
    # probes are not answered, or nobody waits for what is being computed.
    "tcp_user_timeout": "20000",  # Milliseconds.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}
# Of those that this server knows and that nobody has set for this database yet.
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
# The longest that an idle transaction may keep what it holds.
BOUND_SECONDS = 30

log = structlog.get_logger(__name__)


def set_on_database(using: str, **_) -> None:
    """Set what is missing; a receiver of `post_migrate`. New sessions have it. Only the database's
    owner may do that: for others there is a warning, and doctor says so too."""
    if connections[using].vendor != "postgresql":
        return
    with connections[using].cursor() as cursor:
        for statement in missing(using):
            try:
                cursor.execute(statement)
            except Error as error:
                log.warning("time limit not set", statement=statement, error=str(error).strip())


def missing(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """The statements that set what is missing."""
    with connections[using].cursor() as cursor:
        cursor.execute(STATEMENTS, [list(LIMITS), list(LIMITS.values())])
        return [row[0] for row in cursor]


def idle_seconds() -> float:
    """After how many seconds PostgreSQL ends an idle transaction of a session that asks for nothing
    else, as psql's; 0 for never."""
    session = own_session()
    options = session.settings_dict["OPTIONS"]
    session.settings_dict["OPTIONS"] = {k: v for k, v in options.items() if k != "options"}
    try:
        with session.cursor() as cursor:
            cursor.execute(
                "SELECT setting::float / 1000 FROM pg_settings"
                " WHERE name = 'idle_in_transaction_session_timeout'"
            )
            return cursor.fetchone()[0]
    finally:
        session.close()
