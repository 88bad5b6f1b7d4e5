"""Dead letters: rows that hold a failed message completely, with the reason of the failure.

Guarantee: a row can be stored for any message, with its body unchanged. A message that fails again
updates its row; a different message with the same id gets its own row.
"""

import hashlib
import traceback as traces
from datetime import datetime

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import F

from events import plain
from events.errors import passing
from events.models import DeadLetter
from events.registry import subscribers
from events.subjects import subjects_of_event, subjects_of_task
from events.wire import Message

# A header of each replay, with its letter's id. Such a message is accepted however old it is, since
# its letter shows that it had no effect.
REPLAY_HEADER = "x-connectify-replay"
# The properties that a second attempt needs.
KEPT_PROPERTIES = (
    *("content_type", "content_encoding", "message_id", "type"),
    *("correlation_id", "reply_to"),
)
# Characters of an exception's text and of its traceback; more would not help an operator.
TEXT_LIMIT = 20_000
# The fields that a later failure of the same message updates.
UPDATED = (
    *("exception_type", "exception_message", "traceback", "traceparent"),
    *("headers", "properties", "subjects", "last_failed_at"),
)

log = structlog.get_logger(__name__)


def of_message(queue: str, message: Message, *, event_id: str = "", now: datetime) -> DeadLetter:
    """Return the unsaved row for a message of an event or a task, still without the reason.
    `event_id` is the event's id, if it is known."""
    headers = message.headers
    is_event = any(queue == subscriber.queue for subscriber in subscribers.values())
    task = "" if is_event else plain.text(headers.get("task"), 255)
    # The id of a task from an unknown sender may have any type.
    given_id = event_id or (headers.get("id") if task else None)
    return DeadLetter(
        queue=queue,
        message_id=identity(given_id or message.properties.get("message_id"), message.body),
        task=task,
        event_type=plain.text(message.properties.get("type"), 100),
        subjects=(
            subjects_of_task(message.body, getattr(current_app.tasks.get(task), "columns", {}))
            if task
            else subjects_of_event(message.body)
        ),
        traceparent=plain.text(headers.get("traceparent"), 100),
        headers=plain.jsonable(headers),
        properties=kept_properties(message),
        body=message.body,
        first_failed_at=now,
        last_failed_at=now,
    )


def bare(queue: str, message: Message, error: Exception, *, now: datetime) -> DeadLetter:
    """Return the unsaved row for a message of which only the body can be stored."""
    return DeadLetter(
        queue=plain.text(queue, 255),
        message_id=identity(None, message.body),
        body=message.body,
        first_failed_at=now,
        last_failed_at=now,
        **reason(error),
    )


def file_letter(letter: DeadLetter) -> None:
    """Insert the letter, or update the row of an earlier failure and open it again."""
    updated = DeadLetter.objects.filter(
        queue=letter.queue,
        message_id=letter.message_id,
        body_hash=hashlib.sha256(letter.body).digest(),
    ).update(
        **{name: getattr(letter, name) for name in UPDATED},
        attempts=F("attempts") + 1,
        state=DeadLetter.State.OPEN,
    )
    if not updated:
        letter.save()


def file_message(
    queue: str, message: Message, error: Exception, *, event_id: str = "", now: datetime
) -> None:
    """File a failed message as a dead letter with the reason. Raises a passing error."""
    try:
        with transaction.atomic():
            letter = of_message(queue, message, event_id=event_id, now=now)
            explain(letter, error)
            file_letter(letter)
    except Exception as odd:
        if passing(odd):
            raise
        log.exception("only the body of a dead letter can be filed", queue=queue)
        file_letter(bare(queue, message, error, now=now))


def explain(letter: DeadLetter, error: Exception) -> None:
    """Set the letter's fields for the reason."""
    for name, value in reason(error).items():
        setattr(letter, name, value)


def identity(message_id: object, body: bytes) -> str:
    """Return the id by which a message that fails again is recognised, or else a body hash."""
    return plain.text(message_id, 255) or f"sha256:{hashlib.sha256(body).hexdigest()}"


def kept_properties(message: Message) -> dict[str, object]:
    """Return the message's properties that a second attempt needs."""
    found = {name: message.properties.get(name) for name in KEPT_PROPERTIES}
    return {name: plain.jsonable(value) for name, value in found.items() if value}


def reason(error: Exception) -> dict[str, str]:
    """Return the fields of a letter that describe the error."""
    return {
        "exception_type": type(error).__qualname__[:255],
        "exception_message": plain.text(error, TEXT_LIMIT),
        "traceback": plain.text("".join(traces.format_exception(error))[-TEXT_LIMIT:]),
    }
