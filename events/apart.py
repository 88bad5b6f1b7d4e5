"""Work over many rows at once, of which one may hold what the database refuses.

Guarantee: such a row costs only itself: the others are worked on without it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

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
    """What `act` returns of the rows. Where it fails for what a row holds, they are halved until
    that row is by itself, and `alone` is asked instead. Raises any other error of `act`."""
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


def record(statement: str, values: Mapping[str, object], *, what: str, **about: object) -> None:
    """Execute it, in a transaction or savepoint of its own. If the row cannot hold even that, only
    the log has it, as `what`: others must not wait for it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except Exception as error:
        if not is_data_error(error):
            raise
        log.exception(what, **about)
