"""How many requests a caller makes, counted in Valkey.

Guarantee: all counters of a request are raised at once, in one round trip, so that requests at the
same moment are not counted as one. Without Valkey nobody is refused.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

# Valkey answers in less than a millisecond, or is away; then it is asked again after a pause.
TIMEOUT_SECONDS = 0.1
PAUSE_SECONDS = 1.0

# A window begins with a caller's first request and ends with the key.
COUNT = """
    local answers = {}
    for place, key in ipairs(KEYS) do
        local count = redis.call('INCR', key)
        if count == 1 then redis.call('EXPIRE', key, ARGV[1]) end
        answers[place] = {count, redis.call('TTL', key)}
    end
    return answers
"""
TAKE_BACK = """
    for _, key in ipairs(KEYS) do
        if redis.call('EXISTS', key) == 1 then redis.call('DECR', key) end
    end
"""

log = structlog.get_logger(__name__)


class Limit(NamedTuple):
    """At most `quota` requests a window of the caller with `key`; `policy` names the kind."""

    policy: str
    key: str
    quota: int


class Standing(NamedTuple):
    """What a limit still allows: so many requests in the next seconds, of which there is at least
    one. -1 is one too many."""

    limit: Limit
    remaining: int
    seconds: int


class Counters:
    def __init__(self, url: str, window: int, monotonic: Callable[[], float] = time.monotonic):
        """`window` in seconds."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._count = self._redis.register_script(COUNT)
        self._take_back = self._redis.register_script(TAKE_BACK)
        self._window = window
        self._monotonic = monotonic
        self._away_until = 0.0

    def hit(self, limits: Sequence[Limit]) -> list[Standing]:
        """Count one request; how the limits stand after it. Empty while Valkey is away."""
        counts = self._ask(self._count, limits) or ()
        return [
            # Valkey calls the last half second none.
            Standing(limit, max(limit.quota - count, -1), max(seconds, 1))
            for limit, (count, seconds) in zip(limits, counts, strict=False)
        ]

    def take_back(self, limits: Sequence[Limit]) -> None:
        """Count one request less."""
        self._ask(self._take_back, limits)

    def _ask(self, script: Script, limits: Sequence[Limit]) -> list | None:
        """What the script answers of the limits; None while Valkey is away."""
        if not limits or self._monotonic() < self._away_until:
            return None
        try:
            return script([limit.key for limit in limits], [self._window])
        except RedisError as error:
            self._away_until = self._monotonic() + PAUSE_SECONDS
            log.warning("requests are not counted", error=str(error))
            return None
