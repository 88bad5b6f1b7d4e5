"""Statements over many rows at once, when the database may refuse the value of one row.

Guarantee: such a row fails alone; the statement succeeds for all other rows.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from django.db import connection, transaction

from events.errors import is_data_error

Row = TypeVar("Row")
Done = TypeVar("Done")
log = structlog.get_logger(__name__)


def taken_apart(
    rows: Sequence[Row],
    act: Callable[[Sequence[Row]], list[Done]],
    alone: Callable[[Row, Exception], list[Done]],
) -> list[Done]:
    """Return what `act` returns for the rows. If `act` fails because of a row's data, halve the
    rows until the bad row is alone, and call `alone` for it. Raises any other error of `act`."""
    try:
        return act(rows)
    except Exception as error:
        if not is_data_error(error):
            raise
        failure = error
    if len(rows) == 1:
        return alone(rows[0], failure)
    middle = len(rows) // 2
    return taken_apart(rows[:middle], act, alone) + taken_apart(rows[middle:], act, alone)


def record(statement: str, values: Mapping[str, Any], *, what: str, **about: object) -> None:
    """Execute the statement in its own transaction or savepoint. If the database refuses these
    values too, only log the error under the name `what`: it must not stop the other rows."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except Exception as error:
        if not is_data_error(error):
            raise
        log.exception(what, **about)
