"""Tries to enter an account, with a password or with the token from a mail.

Guarantee: only failures count, by account and network together, so that nobody locks another one
out from afar; and an account has a ceiling for all networks, far higher. A try is counted before it
is made, so that those of one moment are not taken for one, and taken back unless it fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from django.http import HttpRequest

from events.errors import PermanentError
from social import callers


class TooManyAttemptsError(PermanentError):
    """The account is not tried again for so many `seconds`."""

    def __init__(self, seconds: int):
        super().__init__(f"Too many attempts to log in. Try again in {seconds} seconds.")
        self.seconds = seconds


@contextmanager
def counted(request: HttpRequest, account: str) -> Iterator[SimpleNamespace]:
    """Count a try to enter the account that this username means, or "id:" and an id. Whoever makes
    it sets `failed` of what is yielded if it fails. Raises TooManyAttemptsError."""
    network = callers.network_of(request)
    meant = callers.account(account)
    standings = callers.count("login", [("account", f"{meant}:{network}"), ("ceiling", meant)])
    request.rate_limits = [*getattr(request, "rate_limits", ()), *standings]
    attempt = SimpleNamespace(failed=False)
    try:
        if seconds := callers.wait(standings):
            raise TooManyAttemptsError(seconds)
        yield attempt
    finally:
        if not attempt.failed:
            callers.take_back(standings)
