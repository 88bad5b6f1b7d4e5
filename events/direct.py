"""Sessions with the database itself. LISTEN, and locks that outlive a transaction, belong to a
session, which a transaction pooler lends to somebody else after each transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from events.conf import setting


def own_session() -> BaseDatabaseWrapper:
    """A connection past any pooler, for the caller alone; not opened yet."""
    made = connection.copy()
    made.settings_dict = {**made.settings_dict, **setting("DATABASE_DIRECT")}
    return made


@contextmanager
def session() -> Iterator[BaseDatabaseWrapper]:
    """The default connection where no pooler stands before the database, else one of its own."""
    if not setting("DATABASE_DIRECT"):
        yield connection
        return
    made = own_session()
    try:
        yield made
    finally:
        made.close()
