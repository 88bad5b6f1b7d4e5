"""The two kinds of error, named in one place: passing ones are tried again, permanent ones are not.

Guarantee: nothing is dead-lettered for a fault of the surroundings, and nothing is tried for ever
for a fault of its own.
"""

import amqp.exceptions
import django.db
import kombu.exceptions

# A connection, a lock, a serialisation failure, a time limit of the database or the broker.
# kombu.exceptions.OperationalError is what Celery raises when it cannot publish.
PASSING = (
    django.db.OperationalError,
    django.db.InterfaceError,
    kombu.exceptions.OperationalError,
    amqp.exceptions.RecoverableConnectionError,
    amqp.exceptions.RecoverableChannelError,
    amqp.exceptions.MessageNacked,
    ConnectionError,
    TimeoutError,
)


class PermanentError(Exception):
    """The same input will fail in the same way: a dead letter at once."""


class NotYetError(Exception):
    """What the event speaks of is not visible yet; tried again in place for a while."""
