"""What an error says about the next attempt, for consumers, tasks, relay and web alike.

Guarantee: nothing is dead-lettered for a fault of the surroundings, and nothing is tried for ever
for a fault of its own.
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
    """`PASSING`: the surroundings are at fault, and the same input may succeed later. `PERMANENT`:
    it will fail again. `END`: nobody may log in, or the database or vhost is not there; a process
    that lives of it ends, so that its supervisor starts it with the settings as they are then."""

    PASSING = "passing"
    PERMANENT = "permanent"
    END = "end the process"


PASSING, PERMANENT, END = Verdict.PASSING, Verdict.PERMANENT, Verdict.END

# The longest beginning that fits counts.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
SQLSTATES = {
    "": PERMANENT,  # data, constraints, transaction states and all else that an input can cause
    "08": PASSING,  # connection
    "25006": PASSING,  # read-only: a standby, or a primary whose disk is full
    "25P03": PASSING,  # idle in transaction for too long
    "25P04": PASSING,  # transaction for too long
    "28": END,  # login
    "3D": END,  # no such database
    "40": PASSING,  # deadlock, serialisation failure
    "40002": PERMANENT,  # a deferred constraint
    # A program that is newer or older than the schema, or lacks a grant, fails whatever the input.
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
    # Internal and corrupted data: rarely the input's fault. Where it is, attempts are counted.
    "XX": PASSING,
}

# SQL that is wrong whatever the rows are: not supported, transaction and cursor states, syntax.
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
    406: PASSING,  # precondition failed: a message that was held for too long, for example
    501: PERMANENT,  # headers larger than a frame
    502: PERMANENT,  # a value that AMQP cannot say
    530: END,  # not allowed: the vhost
    540: PERMANENT,  # not implemented
}

# Errors without a code.
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
    """An error that passes, told by its class: for Celery, which chooses by class alone."""


class PermanentError(Exception):
    """The same input will fail in the same way: a dead letter at once."""


class NotYetError(Exception):
    """What the event speaks of is not visible yet."""


def verdict(error: BaseException) -> Verdict:
    """What the error, or else the nearest of its causes that is known, says."""
    known: BaseException | None = error
    while known is not None:
        if (found := _own_verdict(known)) is not None:
            return found
        known = known.__cause__
    return PERMANENT


def passing(error: BaseException) -> bool:
    """Whether the surroundings are at fault, so that the same input may succeed later."""
    return verdict(error) is not PERMANENT


def is_data_error(error: BaseException) -> bool:
    """Whether a value or a row is at fault, so that a statement over many rows is worth taking
    apart: permanent, raised by the database or its driver, and not by the program's own SQL."""
    if verdict(error) is not PERMANENT:
        return False
    state = _sqlstate(error) or _sqlstate(error.__cause__)
    if state:
        return not state.startswith(PROGRAM_CLASSES)
    # What the driver refuses to send: NUL, lone surrogates, times that it cannot say.
    return isinstance(error, django.db.DataError | ValueError | ArithmeticError)


@contextmanager
def told_apart() -> Iterator[None]:
    """Raise what passes as a PassingError with the error as its cause."""
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
        # RabbitMQ refuses a message above its max_message_size with the code for preconditions.
        too_large = code == 406 and "message size" in str(error)
        return PERMANENT if too_large else AMQP_CODES[code]
    # The database's code is that of the cause.
    if isinstance(error, django.db.Error) and _sqlstate(error.__cause__):
        return None
    # A lost connection may raise the base class of all.
    if isinstance(error, PASSING_CLASSES) or type(error) is django.db.DatabaseError:
        return PASSING
    return None


def _amqp_code(error: BaseException) -> int | None:
    """As the broker gave it, or else as the class has it."""
    if not isinstance(error, amqp.exceptions.AMQPError):
        return None
    return error.reply_code or error.code


def _sqlstate(error: BaseException | None) -> str | None:
    """As psycopg 2 or psycopg 3 calls it."""
    return getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
