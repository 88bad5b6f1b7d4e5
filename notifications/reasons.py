"""Texts that say why a push failed, for tables and logs.

Guarantee: no text contains a device's address, which is as good as a password. The messages of
other libraries' errors may contain URLs and rows, so only the class and the code of such an error
are used.
"""

import traceback

from django.db import Error

from events import plain

LIMIT = 200


class OwnError(Exception):
    """An error of ours. Its message contains no text that a client or a server chose."""


def describe(error: BaseException) -> str:
    """Describe the error in at most LIMIT characters, all of which PostgreSQL can store."""
    if isinstance(error, OwnError):
        return storable(str(error))
    name = type(error).__name__
    if isinstance(error, Error):
        code = getattr(error.__cause__, "pgcode", None) or getattr(error.__cause__, "sqlstate", "")
        return storable(f"{name} {code or ''}".strip())
    # With an errno, the text is the C library's; without one it is another library's.
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return storable(f"{name} {error.strerror}")
    return storable(name)


def storable(text: str) -> str:
    return plain.text(text, LIMIT)


def frames(error: BaseException) -> list[str]:
    """The frames of the traceback, outermost first, without values and messages."""
    summary = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in summary]
