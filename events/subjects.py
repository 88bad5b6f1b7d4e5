"""What a message is about: the ids in it, so that an operator finds a letter by post or user, and
is not shown what was deleted."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils.module_loading import import_string

from events.conf import setting

# A letter about a task of ten thousand ids is found by the first ones; an array has its limits.
LIMIT = 200


# Shown in place of what is concealed.
CONCEALED = "(about something that was deleted)"


def concealed(subjects: Iterable[str]) -> bool:
    """Whether a message about these must not be shown any more, though it is still kept."""
    name = setting("EVENTS_CONCEALED")
    return bool(name) and import_string(name)(subjects)


def shown(subjects: Iterable[str], text: str) -> str:
    """What operators are shown of a text about these."""
    return CONCEALED if concealed(subjects) else text


def subjects_of_event(body: bytes) -> list[str]:
    """The ids in an event's data; none where the body is no envelope."""
    try:
        data = json.loads(body)["data"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    return _collect(data, {})


def subjects_of_task(body: bytes, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The ids in a task's keyword arguments, `columns` naming those of lists of lists; none where
    the body is no task's."""
    try:
        _, kwargs, _ = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return []
    return _collect(kwargs, columns)


def _collect(values: object, columns: Mapping[str, Sequence[str]]) -> list[str]:
    if not isinstance(values, dict):
        return []
    found = dict.fromkeys(
        text for name, number in _ids(values, columns) for text in (f"{name}:{number}", str(number))
    )
    return list(found)[:LIMIT]


def _ids(values: dict, columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int]]:
    for name, value in values.items():
        if isinstance(value, list):
            for row in _rows(name, value, columns):
                yield from _ids(row, {})
        elif name.endswith("_id") and type(value) is int and 0 < value < 2**63:
            yield name[:40], value


def _rows(name: str, values: list, columns: Mapping[str, Sequence[str]]) -> Iterator[dict]:
    for value in values:
        if isinstance(value, dict):
            yield value
        elif name in columns and isinstance(value, list):
            yield dict(zip(columns[name], value, strict=False))
        elif name.endswith("_ids"):
            yield {name.removesuffix("s"): value}
