"""Where the processes tell each other which push hosts are left alone: keys in Valkey.

Guarantee: nothing that counts is kept here. Without Valkey, or after it was emptied, each process
finds out by itself.
"""

import time
from typing import NamedTuple

import structlog
from redis import Redis, RedisError

log = structlog.get_logger(__name__)

PREFIX = "connectify:push:"
TIMEOUT_SECONDS = 0.2
# After a failure Valkey is not asked for so long: the pushes must not wait for it.
AWAY_SECONDS = 5.0
# Well beyond the end of any opening, so that the next one knows that it is not the first.
KEPT_SECONDS = 900


class Opening(NamedTuple):
    """The breaker has opened for the `number`th time in a row, until this time.time()."""

    number: int
    until: float


class Board:
    def __init__(self, url: str) -> None:
        self._valkey = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._away_until = 0.0

    def read(self, origin: str, otherwise: Opening | None) -> Opening | None:
        """The opening of a host, None for none; `otherwise` while Valkey is away."""
        value = self._ask(lambda: self._valkey.get(f"{PREFIX}open:{origin}"), otherwise)
        return _opening(value) if isinstance(value, bytes) else value

    def write(self, origin: str, opening: Opening) -> None:
        key, text = f"{PREFIX}open:{origin}", f"{opening.number} {opening.until}"
        self._ask(lambda: self._valkey.set(key, text, ex=KEPT_SECONDS), None)
        self._ask(lambda: self._valkey.delete(f"{PREFIX}probe:{origin}"), None)

    def erase(self, origin: str) -> None:
        keys = (f"{PREFIX}open:{origin}", f"{PREFIX}probe:{origin}")
        self._ask(lambda: self._valkey.delete(*keys), None)

    def take_probe(self, origin: str, seconds: float) -> bool:
        """Whether this process may probe, for so long; without Valkey each may."""
        key, milliseconds = f"{PREFIX}probe:{origin}", int(seconds * 1000)
        return bool(self._ask(lambda: self._valkey.set(key, 1, nx=True, px=milliseconds), True))

    def openings(self) -> dict[str, Opening] | None:
        """Every breaker that is known, by origin; None while Valkey is away. For people to see."""
        prefix = f"{PREFIX}open:"
        keys = self._ask(lambda: list(self._valkey.scan_iter(f"{prefix}*", count=1000)), None)
        if keys is None:
            return None
        origins = [key.decode().removeprefix(prefix) for key in keys]
        found = {origin: self.read(origin, None) for origin in sorted(origins)}
        return {origin: opening for origin, opening in found.items() if opening}

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


def _opening(value: bytes) -> Opening:
    number, until = value.split()
    return Opening(int(number), float(until))
