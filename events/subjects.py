"""The subjects of a message: the ids in it. By them an operator finds letters about a post or user,
and texts about deleted posts are hidden."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.module_loading import import_string

from events.conf import setting

# The most subjects of a letter. A task with ten thousand ids is found by its first ones only.
LIMIT = 200


# Shown in place of a concealed text.
CONCEALED = "(about something that was deleted)"


def concealed(subjects: Iterable[str]) -> bool:
    """Return True if a message about these subjects must not be shown, though it is still kept."""
    name = setting("EVENTS_CONCEALED")
    return bool(name) and import_string(name)(subjects)


def shown(subjects: Iterable[str], text: str) -> str:
    """Return the text that operators may see: `text`, or CONCEALED if it must not be shown."""
    return CONCEALED if concealed(subjects) else text


def subjects_of_event(body: bytes) -> list[str]:
    """Return the ids in an event's data; none if the body is not an envelope."""
    try:
        data = json.loads(body)["data"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    return _collect(data, {})


def subjects_of_task(body: bytes, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the ids in a task's keyword arguments; none if the body is not a task's. `columns`
    names the columns of arguments that are lists of lists."""
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


def _ids(values: dict[str, Any], columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int]]:
    for name, value in values.items():
        if isinstance(value, list):
            for row in _rows(name, value, columns):
                yield from _ids(row, {})
        elif name.endswith("_id") and type(value) is int and 0 < value < 2**63:
            yield name[:40], value


def _rows(
    name: str, values: list[Any], columns: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    for value in values:
        if isinstance(value, dict):
            yield value
        elif name in columns and isinstance(value, list):
            yield dict(zip(columns[name], value, strict=False))
        elif name.endswith("_ids"):
            yield {name.removesuffix("s"): value}
