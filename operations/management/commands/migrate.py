"""Django's `migrate` with its own time limits: a statement may take as long as it needs, but no
migration blocks other sessions by waiting long for a table lock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations import Migration
from psycopg2.errorcodes import LOCK_NOT_AVAILABLE

from events.conf import setting

# While a session waits for a table lock, all later sessions wait behind it. So each attempt is
# short, and a busy table is tried again.
LOCK_TIMEOUT = "2s"
TRIES, PAUSE_SECONDS = 60, 3.0
UNLIMITED = """
    SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN (
        'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout'
    )
"""


class Command(migrate.Command):
    def handle(self, *args: Any, database: str, **options: Any) -> None:
        with self._own_limits(database):
            for _ in range(TRIES - 1):
                try:
                    super().handle(*args, database=database, **options)
                    return
                except OperationalError as error:
                    # Trying again skips the migrations that have already been applied.
                    if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
                        raise
                    self.stderr.write(f"{error}Trying again in {PAUSE_SECONDS:.0f} s.")
                    time.sleep(PAUSE_SECONDS)
            super().handle(*args, database=database, **options)

    def migration_progress_callback(
        self, action: str, migration: Migration | None = None, fake: bool = False
    ) -> None:
        if migration and action in ("apply_start", "unapply_start"):
            # A migration that is not atomic creates an index concurrently. That waits for other
            # transactions without blocking them, and a timeout would leave an invalid index behind.
            self._connection.cursor().execute(
                "SELECT set_config('lock_timeout', %s, false)",
                [LOCK_TIMEOUT if migration.atomic else "0"],
            )
        super().migration_progress_callback(action, migration, fake)

    @contextmanager
    def _own_limits(self, database: str) -> Iterator[None]:
        """Set the limits on a session with the server itself, past any pooler."""
        self._connection = connection = connections[database]
        if connection.in_atomic_block or connection.vendor != "postgresql":
            yield
            return
        connection.close()
        usual = connection.settings_dict
        connection.settings_dict = {**usual, **setting("DATABASE_DIRECT")}
        try:
            connection.cursor().execute(UNLIMITED)
            yield
        finally:
            connection.close()
            connection.settings_dict = usual
