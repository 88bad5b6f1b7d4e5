"""From `dead.letters` into DeadLetter rows, where an operator sees them.

Guarantee: a letter is acknowledged after its row is committed; if the database is away, it waits
in its queue. A letter that fails again updates its row.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime

from celery import current_app
from django.db import connection, transaction
from django.db.models import F
from django_celery_results.models import TaskResult
from kombu import Message

from events import metrics, parking
from events.errors import PASSING
from events.models import DeadLetter
from events.refusal import refusal
from events.subjects import subjects_of_event, subjects_of_task

BATCH = 100
# What a later failure changes in the row of an earlier one.
UPDATED = (
    *("exception_type", "exception_message", "traceback", "traceparent"),
    *("headers", "properties", "body", "subjects", "last_failed_at"),
)


class LetterFiler:
    """Files batches of dead letters; an instance of consumer.Handover."""

    def __init__(self, clock: Callable[[], datetime]):
        self._clock = clock

    def __call__(self, messages: Sequence[Message]) -> None:
        now = self._clock()
        try:
            with transaction.atomic():
                for message in messages:
                    if is_expired_task(message):
                        metrics.SKIPPED.labels("expired task").inc()
                        continue
                    try:
                        with transaction.atomic():
                            file_letter(read_letter(message, now))
                    except PASSING:
                        raise
                    except Exception as error:
                        file_letter(odd_letter(message, error, now))
        except PASSING:
            connection.close()
            raise


def is_expired_task(message: Message) -> bool:
    """Whether it is a task whose sender wanted no effect after its time: a periodic one in a lane
    with a backlog, whose next run does the same. A worker drops such a one too."""
    death = death_of(message)
    parked = parking.QUEUE_HEADER in message.headers
    on_lane = death.get("queue") in current_app.amqp.queues
    return death.get("reason") == "expired" and on_lane and not parked


def death_of(message: Message) -> dict:
    """The broker's note about the latest death of a message; empty where it was not the broker."""
    deaths = (message.headers or {}).get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and type(deaths[0]) is dict else {}


def read_letter(message: Message, now: datetime) -> DeadLetter:
    """The unsaved row for a message from `dead.letters`, with its queue and its reason."""
    headers = dict(message.headers or {})
    body = message.body
    death = death_of(message)
    message_id = (
        _text(headers.get("id"))
        or _text(message.properties.get("message_id"))
        or f"sha256:{hashlib.sha256(body).hexdigest()}"
    )
    task = _text(headers.get("task"))
    columns = getattr(current_app.tasks.get(task), "columns", {})
    queue = _text(headers.pop(parking.QUEUE_HEADER, None) or death.get("queue"))
    on_lane = queue in current_app.amqp.queues
    if death.get("reason") == "rejected" and on_lane and (refused := refusal(message)):
        headers |= parking.reason(refused)
    return DeadLetter(
        queue=queue[:255],
        message_id=message_id[:255],
        task=task[:255],
        event_type=_text(message.properties.get("type"))[:100],
        subjects=subjects_of_task(body, columns) if task else subjects_of_event(body),
        exception_type=_text(headers.pop(parking.EXCEPTION_TYPE_HEADER, None))[:255],
        exception_message=_text(headers.pop(parking.EXCEPTION_MESSAGE_HEADER, None))
        or f"dead-lettered by the broker: {death.get('reason', 'unknown')}",
        traceback=_text(headers.pop(parking.TRACEBACK_HEADER, None)),
        traceparent=_text(headers.get("traceparent"))[:100],
        headers=_jsonable(headers),
        properties=_jsonable(parking.kept_properties(message)),
        body=body,
        first_failed_at=now,
        last_failed_at=now,
    )


def odd_letter(message: Message, error: Exception, now: datetime) -> DeadLetter:
    """The unsaved row for a letter that could not be read as one: its body, and what was odd."""
    return DeadLetter(
        queue=_text(message.delivery_info.get("routing_key")).removesuffix(".dead")[:255],
        message_id=f"sha256:{hashlib.sha256(message.body).hexdigest()}",
        exception_type=type(error).__qualname__,
        exception_message=_text(error),
        body=message.body,
        first_failed_at=now,
        last_failed_at=now,
    )


def file_letter(letter: DeadLetter) -> None:
    """Insert the letter's row, or update the one of an earlier failure; both are then open."""
    join_exception(letter)
    updated = DeadLetter.objects.filter(queue=letter.queue, message_id=letter.message_id).update(
        **{name: getattr(letter, name) for name in UPDATED},
        attempts=F("attempts") + 1,
        state=DeadLetter.State.OPEN,
    )
    if not updated:
        letter.save()


def join_exception(letter: DeadLetter) -> None:
    """A task's exception, which its worker stored by task id when it gave up."""
    if letter.task and not letter.exception_type:
        result = TaskResult.objects.filter(task_id=letter.message_id).first()
        if result is not None and result.result:
            stored = json.loads(result.result)
            letter.exception_type = stored.get("exc_type", "")
            letter.exception_message = " ".join(map(str, stored.get("exc_message", [])))
            letter.traceback = result.traceback or ""


def _text(value) -> str:
    """A header's value as text that a column can hold."""
    text = "" if value is None else str(value)
    # Neither a NUL nor half of a surrogate pair can be stored.
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _jsonable(value: dict) -> dict:
    return json.loads(_text(json.dumps(value, default=repr)).replace("\\u0000", ""))
