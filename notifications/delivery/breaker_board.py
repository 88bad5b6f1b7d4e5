"""The state of the circuit breakers that all processes share, as keys in Valkey.

Guarantee: this state may be lost at any time. Without Valkey, or after it was emptied, each process
finds out by itself which push services fail.
"""

import time
from collections.abc import Callable, Collection
from math import ceil
from typing import NamedTuple, TypeVar

import structlog
from redis import Redis, RedisError

log = structlog.get_logger(__name__)

PREFIX = "connectify:push:"
KINDS = ("open", "accepted", "rejects")
TIMEOUT_SECONDS = 0.2
# After a failure, Valkey is not used for this long, so that the pushes do not wait for it.
UNREACHABLE_SECONDS = 5.0
# How long an opening is remembered after its end. The next opening within this time lasts longer.
REMEMBER_SECONDS = 120.0
# How long the mark "rejects us" lasts. Must exceed the longest opening (MAX_OPEN_SECONDS): during
# an opening no push is sent, so no process can renew the mark.
MARKED_SECONDS = 180
ACCEPTED_SECONDS = 3_600


class Opening(NamedTuple):
    """The circuit has opened `number` times in a row; the last opening ends at `until`, which is a
    time.time()."""

    number: int
    until: float


class Acceptance(NamedTuple):
    """The service accepted a push of this user that was started at the time.time() `at`."""

    user: int
    at: float


Value = TypeVar("Value", Opening, Acceptance)
Answer = TypeVar("Answer")


class SharedState(NamedTuple):
    """The shared state of a push service: its latest opening, its latest acceptance, and whether it
    rejects most users (401, 403)."""

    opening: Opening | None = None
    acceptance: Acceptance | None = None
    rejects: bool = False


class Board:
    def __init__(self, url: str) -> None:
        self._valkey = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._unreachable_until = 0.0

    def read(self, origins: Collection[str]) -> dict[str, SharedState | None]:
        """Read the state of each push service, in one request; None for each while Valkey is
        unreachable."""
        keys = [f"{PREFIX}{kind}:{origin}" for origin in origins for kind in KINDS]
        values = self._call(lambda: self._valkey.mget(keys)) if keys else []
        if values is None:
            return dict.fromkeys(origins)
        found = zip(
            origins, *(values[place :: len(KINDS)] for place in range(len(KINDS))), strict=True
        )
        return {
            origin: SharedState(
                _read(Opening, opening), _read(Acceptance, acceptance), bool(rejects)
            )
            for origin, opening, acceptance, rejects in found
        }

    def write(self, origin: str, opening: Opening) -> None:
        key, text = f"{PREFIX}open:{origin}", f"{opening.number} {opening.until}"
        kept = ceil(opening.until - time.time() + REMEMBER_SECONDS)
        self._call(lambda: self._valkey.set(key, text, ex=max(kept, 1)))

    def note_acceptance(self, origin: str, acceptance: Acceptance) -> None:
        key, text = f"{PREFIX}accepted:{origin}", f"{acceptance.user} {acceptance.at}"
        self._call(lambda: self._valkey.set(key, text, ex=ACCEPTED_SECONDS))

    def note_rejects(self, origin: str) -> None:
        key = f"{PREFIX}rejects:{origin}"
        self._call(lambda: self._valkey.set(key, 1, ex=MARKED_SECONDS))

    def erase(self, origin: str, *kinds: str) -> None:
        """Delete the state of the origin, or only the given kinds of it ("open", "accepted",
        "rejects")."""
        keys = [f"{PREFIX}{kind}:{origin}" for kind in kinds or KINDS]
        self._call(lambda: self._valkey.delete(*keys))

    def openings(self) -> dict[str, Opening] | None:
        """The remembered openings, by origin, for people to see; None while Valkey is
        unreachable."""
        origins = self._origins("open")
        if origins is None:
            return None
        found = self.read(origins)
        return {origin: known.opening for origin, known in found.items() if known and known.opening}

    def rejecting(self) -> list[str] | None:
        """The origins that reject most users; None while Valkey is unreachable."""
        return self._origins("rejects")

    def _origins(self, kind: str) -> list[str] | None:
        prefix = f"{PREFIX}{kind}:"
        keys = self._call(lambda: list(self._valkey.scan_iter(f"{prefix}*", count=1000)))
        if keys is None:
            return None
        return sorted(key.decode().removeprefix(prefix) for key in keys)

    def close(self) -> None:
        self._valkey.close()

    def _call(self, command: Callable[[], Answer]) -> Answer | None:
        """Run the command; returns None while Valkey is unreachable."""
        if time.monotonic() < self._unreachable_until:
            return None
        try:
            return command()
        except RedisError as error:
            self._unreachable_until = time.monotonic() + UNREACHABLE_SECONDS
            log.warning("circuits are not shared: Valkey is unreachable", error=str(error))
            return None


def _read(kind: type[Value], value: bytes | None) -> Value | None:
    """Parse a value; None if it is missing or another version wrote it in another form."""
    try:
        number, at = (value or b"").split()
        return kind(int(number), float(at))
    except ValueError:
        return None
