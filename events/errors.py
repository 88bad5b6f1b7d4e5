"""Classification of errors: is a retry worthwhile? Used by consumers, tasks, relay and web alike.

Guarantee: a failing server or network makes no dead letter, and a bad input is not retried for
ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from socket import gaierror
from ssl import SSLError

import amqp.exceptions
import django.db
import kombu.exceptions


class Verdict(Enum):
    """`PASSING`: a server or the network failed, and the same input may succeed later. `PERMANENT`:
    the same input will fail again. `END`: the login is refused, or the database or vhost does not
    exist. A process that depends on it exits, so that its supervisor restarts it with the current
    settings."""

    PASSING = "passing"
    PERMANENT = "permanent"
    END = "end the process"


PASSING, PERMANENT, END = Verdict.PASSING, Verdict.PERMANENT, Verdict.END

# By prefix of the SQLSTATE; the longest matching prefix wins.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
SQLSTATES = {
    "": PERMANENT,  # data, constraints, transaction states and whatever else an input can cause
    "08": PASSING,  # connection
    "25006": PASSING,  # read-only: a standby, or a primary whose disk is full
    "25P03": PASSING,  # idle in transaction for too long
    "25P04": PASSING,  # transaction for too long
    "28": END,  # login
    "3D": END,  # no such database
    "40": PASSING,  # deadlock, serialisation failure
    "40002": PERMANENT,  # a deferred constraint
    # If the program does not match the schema, or lacks a grant, it fails for every input.
    "42501": PASSING,  # privilege
    "42703": PASSING,  # column
    "42883": PASSING,  # function
    "42P01": PASSING,  # table
    "53": PASSING,  # disk, memory, connections
    "55006": PASSING,  # in use
    "55P03": PASSING,  # lock not available in time
    "57": PASSING,  # cancelled, statement limit, shutdown, starting up
    "58": PASSING,  # I/O
    "72": PASSING,  # snapshot too old
    "F0": PASSING,  # configuration file
    # Internal errors and corrupted data: rarely caused by the input. If they are, the limit on
    # attempts ends the retries.
    "XX": PASSING,
}

# SQL that fails for any rows: unsupported features, transaction and cursor states, syntax.
PROGRAM_CLASSES = ("0A", "25", "26", "34", "42")

# https://www.rabbitmq.com/amqp-0-9-1-reference#constants
AMQP_CODES = {
    311: PERMANENT,  # content too large
    312: PASSING,  # no route: the next connection declares the queue again
    313: PASSING,  # no consumers
    320: PASSING,  # connection closed by an operator
    402: END,  # no such vhost
    403: END,  # access refused
    404: PASSING,  # no such queue or exchange: the next connection declares it
    405: PASSING,  # locked by another connection
    406: PASSING,  # precondition failed: for example, a consumer held a message for too long
    501: PERMANENT,  # headers larger than a frame
    502: PERMANENT,  # a value that AMQP cannot encode
    530: END,  # not allowed: the vhost
    540: PERMANENT,  # not implemented
}

# Passing errors that have neither an SQLSTATE nor an AMQP code.
PASSING_CLASSES = (
    *(ConnectionError, TimeoutError, gaierror, SSLError, MemoryError),
    *(amqp.exceptions.AMQPError, amqp.exceptions.MessageNacked),
    # What Celery raises when it cannot publish.
    kombu.exceptions.OperationalError,
    django.db.InterfaceError,
    django.db.OperationalError,
    django.db.InternalError,
)


class PassingError(Exception):
    """A passing error, marked by its class, because Celery chooses retries by class alone."""


class PermanentError(Exception):
    """The same input will fail again: it becomes a dead letter at once."""


class NotYetError(Exception):
    """The row that the event is about is not visible yet."""


def verdict(error: BaseException) -> Verdict:
    """Return the verdict on the error, or on the nearest of its causes that is classified."""
    known: BaseException | None = error
    while known is not None:
        if (found := _own_verdict(known)) is not None:
            return found
        known = known.__cause__
    return PERMANENT


def passing(error: BaseException) -> bool:
    """Return True if the same input may succeed later (verdict PASSING or END)."""
    return verdict(error) is not PERMANENT


def is_data_error(error: BaseException) -> bool:
    """Return True if a value or a row caused the error, so that it is worth splitting a statement
    over many rows. Such an error is permanent, comes from the database or its driver, and is not
    caused by the SQL itself."""
    if verdict(error) is not PERMANENT:
        return False
    state = _sqlstate(error) or _sqlstate(error.__cause__)
    if state:
        return not state.startswith(PROGRAM_CLASSES)
    # Values that the driver refuses to send: NUL, lone surrogates, times out of its range.
    return isinstance(error, django.db.DataError | ValueError | ArithmeticError)


@contextmanager
def wrap_passing_errors() -> Iterator[None]:
    """Raise each passing error as a PassingError, with the original error as its cause."""
    try:
        yield
    except Exception as error:
        if passing(error) and not isinstance(error, PassingError):
            raise PassingError(f"{type(error).__qualname__}: {error}") from error
        raise


def _own_verdict(error: BaseException) -> Verdict | None:
    if isinstance(error, PassingError | NotYetError):
        return PASSING
    if isinstance(error, PermanentError):
        return PERMANENT
    if state := _sqlstate(error):
        return SQLSTATES[max((each for each in SQLSTATES if state.startswith(each)), key=len)]
    if (code := _amqp_code(error)) in AMQP_CODES:
        # RabbitMQ also uses 406 for a message above its max_message_size, which is permanent.
        too_large = code == 406 and "message size" in str(error)
        return PERMANENT if too_large else AMQP_CODES[code]
    # Django wraps the driver's error: the SQLSTATE is on the cause.
    if isinstance(error, django.db.Error) and _sqlstate(error.__cause__):
        return None
    # A lost connection may raise plain DatabaseError, the base class.
    if isinstance(error, PASSING_CLASSES) or type(error) is django.db.DatabaseError:
        return PASSING
    return None


def _amqp_code(error: BaseException) -> int | None:
    """Return the reply code that the broker sent, or else the code of the error's class."""
    if not isinstance(error, amqp.exceptions.AMQPError):
        return None
    return error.reply_code or error.code


def _sqlstate(error: BaseException | None) -> str | None:
    """Return the SQLSTATE, which is `pgcode` in psycopg 2 and `sqlstate` in psycopg 3."""
    return getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
