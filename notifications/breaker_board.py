"""Where the processes tell each other which push services are sent nothing: keys in Valkey.

Guarantee: nothing that counts is kept here. Without Valkey, or after it was emptied, each process
finds out by itself.
"""

import time
from collections.abc import Collection
from math import ceil
from typing import NamedTuple, TypeVar

import structlog
from redis import Redis, RedisError

log = structlog.get_logger(__name__)

PREFIX = "connectify:push:"
KINDS = ("open", "accepted", "rejects")
TIMEOUT_SECONDS = 0.2
# After a failure Valkey is not asked for so long: the pushes must not wait for it.
AWAY_SECONDS = 5.0
# An opening is remembered for so long after its end: one that follows within it lasts longer.
FORGOTTEN_SECONDS = 120.0
# Longer than the longest opening: while it lasts, nobody finds out that it is still so.
MARKED_SECONDS = 180
ACCEPTED_SECONDS = 3_600


class Opening(NamedTuple):
    """The breaker has opened for the `number`th time in a row, until this time.time()."""

    number: int
    until: float


class Acceptance(NamedTuple):
    """A push of this user's, begun at this time.time(), was accepted."""

    user: int
    at: float


Value = TypeVar("Value", Opening, Acceptance)


class Known(NamedTuple):
    """What is known of a push service: its latest opening, the latest acceptance, and whether it
    rejects most of us (401, 403)."""

    opening: Opening | None = None
    acceptance: Acceptance | None = None
    rejects: bool = False


class Board:
    def __init__(self, url: str) -> None:
        self._valkey = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._away_until = 0.0

    def read(self, origins: Collection[str]) -> dict[str, Known | None]:
        """What the processes know of each push service, in one request; None while Valkey is
        away."""
        keys = [f"{PREFIX}{kind}:{origin}" for origin in origins for kind in KINDS]
        values = self._ask(lambda: self._valkey.mget(keys), None) if keys else []
        if values is None:
            return dict.fromkeys(origins)
        found = zip(
            origins, *(values[place :: len(KINDS)] for place in range(len(KINDS))), strict=True
        )
        return {
            origin: Known(_read(Opening, opening), _read(Acceptance, acceptance), bool(rejects))
            for origin, opening, acceptance, rejects in found
        }

    def write(self, origin: str, opening: Opening) -> None:
        key, text = f"{PREFIX}open:{origin}", f"{opening.number} {opening.until}"
        kept = ceil(opening.until - time.time() + FORGOTTEN_SECONDS)
        self._ask(lambda: self._valkey.set(key, text, ex=max(kept, 1)), None)

    def note_acceptance(self, origin: str, acceptance: Acceptance) -> None:
        key, text = f"{PREFIX}accepted:{origin}", f"{acceptance.user} {acceptance.at}"
        self._ask(lambda: self._valkey.set(key, text, ex=ACCEPTED_SECONDS), None)

    def note_rejects(self, origin: str) -> None:
        self._ask(lambda: self._valkey.set(f"{PREFIX}rejects:{origin}", 1, ex=MARKED_SECONDS), None)

    def erase(self, origin: str, *kinds: str) -> None:
        """Forget the origin, or of it the named kinds: "open", "accepted", "rejects"."""
        keys = [f"{PREFIX}{kind}:{origin}" for kind in kinds or KINDS]
        self._ask(lambda: self._valkey.delete(*keys), None)

    def openings(self) -> dict[str, Opening] | None:
        """Every breaker that is known, by origin; None while Valkey is away. For people to see."""
        origins = self._origins("open")
        if origins is None:
            return None
        found = self.read(origins)
        return {origin: known.opening for origin, known in found.items() if known and known.opening}

    def rejecting(self) -> list[str] | None:
        """The origins that reject most of us; None while Valkey is away."""
        return self._origins("rejects")

    def _origins(self, kind: str) -> list[str] | None:
        prefix = f"{PREFIX}{kind}:"
        keys = self._ask(lambda: list(self._valkey.scan_iter(f"{prefix}*", count=1000)), None)
        if keys is None:
            return None
        return sorted(key.decode().removeprefix(prefix) for key in keys)

    def close(self) -> None:
        self._valkey.close()

    def _ask(self, question, otherwise):
        """The answer, or `otherwise` while Valkey is away."""
        if time.monotonic() < self._away_until:
            return otherwise
        try:
            return question()
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("breakers are not shared: Valkey is away", error=str(error))
            return otherwise


def _read(kind: type[Value], value: bytes | None) -> Value | None:
    """None also for what a program of another version wrote: nothing that counts is kept here."""
    try:
        number, at = (value or b"").split()
        return kind(int(number), float(at))
    except ValueError:
        return None
