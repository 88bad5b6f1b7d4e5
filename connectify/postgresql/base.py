"""The backend; Django looks for it in a module of this name."""

from collections import defaultdict

from django.db.backends.postgresql import base

from connectify.postgresql.reach import OutOfReachError, Reach

# By host and port: a pooler and the server behind it are two.
_reaches: dict[tuple[str, str], Reach] = defaultdict(Reach)


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict):
        address = str(conn_params.get("host", "")), str(conn_params.get("port", ""))
        try:
            with _reaches[address].attempt():
                return super().get_new_connection(conn_params)
        except OutOfReachError as error:
            raise self.Database.OperationalError(
                f"PostgreSQL at {':'.join(address)} did not answer a moment ago"
            ) from error
