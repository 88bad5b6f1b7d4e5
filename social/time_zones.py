"""Time zones by their names in the IANA database, such as Europe/Berlin."""

from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import DataError, connection, transaction


def check_time_zone(name: str) -> None:
    """Raises ValidationError for a name that not everybody knows.

    PostgreSQL is asked as well: it is where quiet hours are looked at, and a zone unknown there
    would fail the pushes to everyone. Alone it would not do: it also takes "FOO5".
    """
    try:
        ZoneInfo(name)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT now() AT TIME ZONE %s", [name])
    except (KeyError, ValueError, OSError, DataError) as error:
        raise ValidationError("This is no time zone.", code="time_zone") from error
