"""Dead letters: rows that hold a message whole, with the reason why nobody could use it.

Guarantee: whatever the message, its row can be stored, with its body as it came. A letter that
fails again updates its row; another message under the same id has a row of its own.
"""

import hashlib
import traceback as traces
from datetime import datetime

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import F
from kombu import Message

from events import plain
from events.errors import passing
from events.models import DeadLetter
from events.registry import subscribers
from events.subjects import subjects_of_event, subjects_of_task

# The id of its letter, on a message that an operator sends again: it never had its effect, however
# old it is.
REPLAY_HEADER = "x-connectify-replay"
# Properties that a second attempt needs.
KEPT_PROPERTIES = (
    *("content_type", "content_encoding", "message_id", "type"),
    *("correlation_id", "reply_to"),
)
# Characters of an exception's words. More of them help nobody who looks at the page.
WORDS_LIMIT = 20_000
# What a later failure changes in the row of an earlier one.
UPDATED = (
    *("exception_type", "exception_message", "traceback", "traceparent"),
    *("headers", "properties", "subjects", "last_failed_at"),
)

log = structlog.get_logger(__name__)


def of_message(queue: str, message: Message, *, event_id: str = "", now: datetime) -> DeadLetter:
    """The unsaved row for a message of an event or a task, without the reason why it is one;
    `event_id` is its event's, if it is known."""
    headers = message.headers
    is_event = any(queue == subscriber.queue for subscriber in subscribers.values())
    task = "" if is_event else plain.text(headers.get("task"), 255)
    # A stranger's task may have an id of any type.
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
    """The unsaved row for a message of which only its body can be kept."""
    return DeadLetter(
        queue=plain.text(queue, 255),
        message_id=identity(None, message.body),
        body=message.body,
        first_failed_at=now,
        last_failed_at=now,
        **reason(error),
    )


def file_letter(letter: DeadLetter) -> None:
    """Insert the letter's row, or update the one of an earlier failure; both are then open."""
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
    """Keep a message that nobody could use, with the reason. Raises an error that passes."""
    try:
        with transaction.atomic():
            letter = of_message(queue, message, event_id=event_id, now=now)
            explain(letter, error)
            file_letter(letter)
    except Exception as odd:
        if passing(odd):
            raise
        log.exception("a dead letter can only be filed bare", queue=queue)
        file_letter(bare(queue, message, error, now=now))


def explain(letter: DeadLetter, error: Exception) -> None:
    """Write the reason into the letter."""
    for name, value in reason(error).items():
        setattr(letter, name, value)


def identity(message_id: object, body: bytes) -> str:
    """What tells a letter that failed again: its id, else a hash of its body."""
    return plain.text(message_id, 255) or f"sha256:{hashlib.sha256(body).hexdigest()}"


def kept_properties(message: Message) -> dict[str, object]:
    """The properties of a message that a second attempt needs."""
    found = {name: message.properties.get(name) for name in KEPT_PROPERTIES}
    return plain.jsonable({name: value for name, value in found.items() if value})


def reason(error: Exception) -> dict[str, str]:
    """The error as fields of a letter."""
    return {
        "exception_type": type(error).__qualname__[:255],
        "exception_message": plain.text(error, WORDS_LIMIT),
        "traceback": plain.text("".join(traces.format_exception(error))[-WORDS_LIMIT:]),
    }
