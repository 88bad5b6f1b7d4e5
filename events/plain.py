"""Conversion of values from unknown senders into values that PostgreSQL can store.

Guarantee: every value that AMQP can encode becomes text or JSON; nothing here raises.
"""

import math

# Levels. Deeper nesting is an attempt to exhaust the stack.
DEPTH = 20
SCALARS = (type(None), bool, int)


def text(value: object, limit: int | None = None) -> str:
    """Return the value as text of at most `limit` characters, without NUL and lone surrogates,
    which no column can hold."""
    if isinstance(value, bytes | bytearray | memoryview):
        found = bytes(value).decode(errors="backslashreplace")
    else:
        found = "" if value is None else str(value)
    found = found[:limit].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return found.encode(errors="replace").decode()


def jsonable(value: object, depth: int = DEPTH) -> object:
    """Return the value as JSON that a jsonb column can hold; other types become text."""
    if isinstance(value, SCALARS):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict | list | tuple):
        if not depth:
            return "nested too deeply"
        if isinstance(value, dict):
            return {text(name): jsonable(inner, depth - 1) for name, inner in value.items()}
        return [jsonable(inner, depth - 1) for inner in value]
    return text(value)
