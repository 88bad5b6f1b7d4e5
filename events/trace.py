"""The W3C trace context that an event carries from where it was recorded to its last effect.

https://www.w3.org/TR/trace-context/
"""

import secrets
from contextvars import ContextVar

current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def traceparent() -> str:
    """The current traceparent, or a new one where none came from outside."""
    return current.get() or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
