"""Direct sessions with the database, past any pooler. LISTEN, and locks that outlive a transaction,
belong to a session; a transaction pooler gives the session to another client after each one."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from events.conf import setting


def own_session() -> BaseDatabaseWrapper:
    """Return a new, unopened connection past any pooler, for the caller alone."""
    made = connection.copy()
    made.settings_dict = {**made.settings_dict, **setting("DATABASE_DIRECT")}
    return made


@contextmanager
def session() -> Iterator[BaseDatabaseWrapper]:
    """Yield the default connection if there is no pooler, otherwise a new direct one."""
    if not setting("DATABASE_DIRECT"):
        yield connection
        return
    made = own_session()
    try:
        yield made
    finally:
        made.close()
