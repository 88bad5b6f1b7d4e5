"""Limits for failed log-in attempts, with a password or with a token from a mail.

Guarantee: only failures count. They count per account and network, so that an attacker elsewhere
cannot lock a user out; a second, far higher limit per account covers all networks. An attempt is
counted before it is made, so that simultaneous attempts all count, and uncounted unless it fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from django.http import HttpRequest

from events.errors import PermanentError
from social import callers


class TooManyAttemptsError(PermanentError):
    """The account's limit is reached; the next attempt is allowed in `seconds` seconds."""

    def __init__(self, seconds: int):
        super().__init__(f"Too many attempts to log in. Try again in {seconds} seconds.")
        self.seconds = seconds


@contextmanager
def counted(request: HttpRequest, account: str) -> Iterator[SimpleNamespace]:
    """Count an attempt to log in to `account`: a username, a mail address or "id:" and an id.
    Yields an object; the caller sets its `failed` to True if the attempt fails.

    Raises TooManyAttemptsError before the attempt.
    """
    network = callers.network_of(request)
    key = callers.account_key(account)
    states = callers.count("login", [("account", f"{key}:{network}"), ("ceiling", key)])
    callers.note(request, [*callers.noted(request), *states])
    attempt = SimpleNamespace(failed=False)
    try:
        if seconds := callers.wait(states):
            raise TooManyAttemptsError(seconds)
        yield attempt
    finally:
        if not attempt.failed:
            callers.uncount(states)
