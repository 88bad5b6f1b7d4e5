"""Time zones by their names in the IANA database, such as Europe/Berlin."""

from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import DataError, connection, transaction


def check_time_zone(name: str) -> None:
    """Raises ValidationError unless both Python and PostgreSQL know the name.

    PostgreSQL must know it because it evaluates the quiet hours, and a zone unknown there would
    fail the pushes to everyone. Its check alone is not enough, because it also accepts "FOO5".
    """
    try:
        ZoneInfo(name)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT now() AT TIME ZONE %s", [name])
    except (KeyError, ValueError, OSError, DataError) as error:
        raise ValidationError("This is not a known time zone.", code="time_zone") from error
