"""The verdict on each kind of error."""

import amqp.exceptions
import django.db
import kombu.exceptions
import pytest
from django.db import connection

from events import errors
from events.errors import END, PASSING, PERMANENT, PassingError, verdict, wrap_passing_errors

# PostgreSQL itself raises these, by RAISE in a statement.
STATES = {
    "08006": (PASSING, "the connection failed"),
    "22001": (PERMANENT, "a value is too long"),
    "23505": (PERMANENT, "a key is taken"),
    "25006": (PASSING, "a standby takes no writes"),
    "25P02": (PERMANENT, "a statement after one that failed is our own mistake"),
    "28P01": (END, "a wrong password"),
    "3D000": (END, "no such database"),
    "40001": (PASSING, "a serialisation failure"),
    "40P01": (PASSING, "a deadlock"),
    "42601": (PERMANENT, "a syntax error"),
    "42703": (PASSING, "a column that the next migration makes"),
    "53100": (PASSING, "the disk is full"),
    "53300": (PASSING, "too many connections"),
    "54000": (PERMANENT, "a value too large for an index"),
    "55P03": (PASSING, "a lock was not to be had in time"),
    "57014": (PASSING, "a statement took too long"),
    "57P01": (PASSING, "an operator ended the session"),
    "58030": (PASSING, "the disk cannot be read"),
    "XX000": (PASSING, "an internal error"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.django_db(transaction=True)
def test_each_sqlstate_has_its_verdict(state):
    wanted, why = STATES[state]
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(django.db.Error) as raised, connection.cursor() as cursor:
        cursor.execute(statement)
    assert verdict(raised.value) is wanted, why


class WithSqlstate(Exception):
    """An error with the attribute that psycopg 3 uses."""

    sqlstate = "25006"


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (django.db.OperationalError("the connection is closed"), PASSING),
        (django.db.InterfaceError("connection already closed"), PASSING),
        (django.db.DatabaseError("lost synchronization with server"), PASSING),
        (django.db.DataError("a string that is no number"), PERMANENT),
        (django.db.ProgrammingError("can't adapt type 'set'"), PERMANENT),
        (WithSqlstate(), PASSING),
        (ConnectionResetError(), PASSING),
        (TimeoutError(), PASSING),
        (FileNotFoundError(), PERMANENT),
        (ValueError("A string literal cannot contain NUL (0x00) characters."), PERMANENT),
        (MemoryError(), PASSING),
        (errors.NotYetError(), PASSING),
        (kombu.exceptions.OperationalError(), PASSING),
        (amqp.exceptions.MessageNacked(), PASSING),
        (amqp.exceptions.ConnectionForced("CONNECTION_FORCED"), PASSING),
        (amqp.exceptions.NotFound("NOT_FOUND"), PASSING),
        (amqp.exceptions.ResourceLocked("RESOURCE_LOCKED"), PASSING),
        (amqp.exceptions.PreconditionFailed("delivery acknowledgement timed out"), PASSING),
        (amqp.exceptions.PreconditionFailed("message size 99 is larger than max size"), PERMANENT),
        (amqp.exceptions.FrameError("FRAME_ERROR"), PERMANENT),
        (amqp.exceptions.AccessRefused("ACCESS_REFUSED"), END),
        (amqp.exceptions.NotAllowed("NOT_ALLOWED"), END),
        (amqp.exceptions.InternalError("INTERNAL_ERROR"), PASSING),
        (amqp.exceptions.ChannelError("NO_ROUTE", (60, 50), 312), PASSING),
    ],
    ids=repr,
)
def test_each_error_without_a_sqlstate_has_its_verdict(error, wanted):
    assert verdict(error) is wanted


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (caused(RuntimeError(), ConnectionError()), PASSING),
        (caused(RuntimeError(), caused(KeyError(), TimeoutError())), PASSING),
        (caused(errors.PermanentError(), ConnectionError()), PERMANENT),
        (caused(django.db.InternalError(), WithSqlstate()), PASSING),
        (caused(RuntimeError(), ValueError()), PERMANENT),
    ],
)
def test_the_nearest_classified_cause_decides(error, wanted):
    assert verdict(error) is wanted


def test_a_passing_error_is_raised_as_its_own_class():
    with (
        pytest.raises(PassingError, match="ConnectionError: gone") as raised,
        wrap_passing_errors(),
    ):
        raise ConnectionError("gone")
    assert isinstance(raised.value.__cause__, ConnectionError)
    with pytest.raises(ValueError, match="own"), wrap_passing_errors():
        raise ValueError("own")
