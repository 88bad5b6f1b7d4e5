"""Why a push failed, in words that may be stored and logged.

Guarantee: a device's address, which is as good as a password, is in none of them. Errors of other
libraries speak of URLs and rows, so of theirs only the class and its code are told.
"""

import traceback

from django.db import Error

from events import plain

LIMIT = 200


class OwnError(Exception):
    """An error of ours; its message holds nothing that a stranger chose."""


def words(error: BaseException) -> str:
    """At most LIMIT characters that PostgreSQL can store."""
    if isinstance(error, OwnError):
        return storable(str(error))
    name = type(error).__name__
    if isinstance(error, Error):
        code = getattr(error.__cause__, "pgcode", None) or getattr(error.__cause__, "sqlstate", "")
        return storable(f"{name} {code or ''}".strip())
    # As the C library has it; without a number these are a library's own words.
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return storable(f"{name} {error.strerror}")
    return storable(name)


def storable(text: str) -> str:
    return plain.text(text, LIMIT)


def frames(error: BaseException) -> list[str]:
    """Where it was raised, outermost first: a traceback without its values and messages."""
    summary = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in summary]
