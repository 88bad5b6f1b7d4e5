"""The database backend. Django requires this module name."""

from collections import defaultdict
from typing import Any

from django.db.backends.postgresql import base

from connectify.postgresql.circuit import Circuit, CircuitOpenError

# By host and port, since a pooler and the server behind it may fail separately.
_circuits: dict[tuple[str, str], Circuit] = defaultdict(Circuit)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        address = str(conn_params.get("host", "")), str(conn_params.get("port", ""))
        try:
            with _circuits[address].attempt():
                return super().get_new_connection(conn_params)
        except CircuitOpenError as error:
            raise self.Database.OperationalError(
                f"PostgreSQL at {':'.join(address)} did not answer a moment ago"
            ) from error
