"""Filing messages from `dead.letters` as DeadLetter rows, where an operator sees them.

Guarantee: a message is acknowledged after its row is committed; while the database is down, it
waits in the queue. No message can end the process or prevent another from being filed.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.db import connection, transaction
from django_celery_results.models import TaskResult

from events import letters, metrics, plain
from events.errors import passing
from events.models import DeadLetter
from events.wire import Message

BATCH = 100

log = structlog.get_logger(__name__)


class LetterFiler:
    """Files batches of dead letters; an instance of consumer.Handover."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def __call__(self, messages: Sequence[Message]) -> None:
        try:
            with transaction.atomic():
                for message in messages:
                    self._file(message)
        except Exception:
            # Django keeps using a broken connection until it is closed.
            connection.close()
            raise

    def _file(self, message: Message) -> None:
        now = self._clock()
        try:
            with transaction.atomic():
                if is_expired_task(message):
                    metrics.SKIPPED.labels("expired task").inc()
                else:
                    letters.file_letter(read_letter(message, now))
        except Exception as error:
            if passing(error):
                raise
            log.exception("only the body of a dead letter can be filed")
            letters.file_letter(letters.bare(queue_of(message), message, error, now=now))


def death_of(message: Message) -> dict[str, Any]:
    """Return the broker's latest `x-death` entry; empty if the broker did not dead-letter it."""
    deaths = message.headers.get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and type(deaths[0]) is dict else {}


def queue_of(message: Message) -> str:
    """Return the queue that the message was dead-lettered from, by `x-death` or its routing key."""
    queue = death_of(message).get("queue")
    return plain.text(
        queue or message.delivery_info.get("routing_key", "").removesuffix(".dead"), 255
    )


def is_expired_task(message: Message) -> bool:
    """Return True for a task that expired in its lane: a periodic task behind a backlog, whose next
    run does the same work. A worker drops expired tasks too."""
    expired = death_of(message).get("reason") == "expired"
    return expired and queue_of(message) in current_app.amqp.queues


def read_letter(message: Message, now: datetime) -> DeadLetter:
    """Return the unsaved row for a message from `dead.letters`, with its queue and reason."""
    queue, why = queue_of(message), death_of(message).get("reason")
    letter = letters.of_message(queue, message, now=now)
    letter.exception_message = plain.text(
        f"dead-lettered by the broker: {plain.text(why) or 'unknown'}", 1_000
    )
    if why == "rejected" and queue in current_app.amqp.queues:
        _explain(letter)
    return letter


def _explain(letter: DeadLetter) -> None:
    """Add the exception that the worker stored under the task's id when it gave up, if any."""
    found = TaskResult.objects.filter(task_id=letter.message_id, task_name=letter.task).first()
    if found is not None and found.result:
        stored = json.loads(found.result)
        letter.exception_type = plain.text(stored.get("exc_type"), 255)
        letter.exception_message = " ".join(map(plain.text, stored.get("exc_message", [])))
        letter.traceback = found.traceback or ""
