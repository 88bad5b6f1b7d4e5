"""Ids in paths. Numbers outside a bigint column's range give 404, not a database error."""

from django.urls.converters import IntConverter


class RowIdConverter(IntConverter):
    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if not 0 < number < 2**63:
            raise ValueError(value)
        return number
