"""Why a worker refuses a message, found out again from the message alone.

A worker only rejects what it cannot use: the broker's dead-lettering carries no reason, and waiting
for the confirm of a letter of its own could stop the worker's main loop.
"""

from celery import current_app
from kombu import Message
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.serialization import loads, prepare_accept_content

from events.envelope import BODY_LIMIT
from events.errors import PermanentError


class RefusedError(PermanentError):
    """No worker can use the message."""


def refusal(message: Message) -> RefusedError | None:
    """What is wrong with a message that was rejected on a lane; None where nothing is."""
    task, task_id = (message.headers.get(name) for name in ("task", "id"))
    if len(message.body) > BODY_LIMIT:
        return too_large(message)
    if not task:
        return RefusedError("no task message: it has no header `task`")
    if task not in current_app.tasks:
        return RefusedError(f"unknown task {task!r}")
    if not task_id:
        return RefusedError("it has no header `id`")
    accepted = prepare_accept_content(current_app.conf.accept_content)
    try:
        payload = loads(message.body, message.content_type, message.content_encoding, accepted)
    except (DecodeError, ContentDisallowed, LookupError) as error:
        return RefusedError(f"not decodable: {error}")
    if not isinstance(payload, list) or [*map(type, payload)] != [list, dict, dict]:
        return RefusedError("its body is no list of arguments, keyword arguments and options")
    return None


def too_large(message: Message) -> RefusedError:
    return RefusedError(f"{len(message.body):,} bytes, want at most {BODY_LIMIT:,}")
