"""Request counters per caller, in Valkey.

Guarantee: one atomic script raises all counters of a request, so that simultaneous requests all
count. While Valkey is unreachable no request is refused.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

# Valkey usually answers in less than a millisecond. After a failure it is not used for a pause.
TIMEOUT_SECONDS = 0.1
PAUSE_SECONDS = 1.0

# A window begins with a caller's first request and ends when the key expires.
COUNT = """
    local answers = {}
    for place, key in ipairs(KEYS) do
        local count = redis.call('INCR', key)
        if count == 1 then redis.call('EXPIRE', key, ARGV[1]) end
        answers[place] = {count, redis.call('TTL', key)}
    end
    return answers
"""
UNCOUNT = """
    for _, key in ipairs(KEYS) do
        if redis.call('EXISTS', key) == 1 then redis.call('DECR', key) end
    end
"""

log = structlog.get_logger(__name__)


class Limit(NamedTuple):
    """At most `quota` requests per window for the caller `key`. `policy` is the limit's name."""

    policy: str
    key: str
    quota: int


class LimitState(NamedTuple):
    """The state of a limit: `remaining` requests are allowed in the next `seconds` (at least 1).
    `remaining` is -1 if the limit is exceeded."""

    limit: Limit
    remaining: int
    seconds: int


class Counters:
    def __init__(self, url: str, window: int, monotonic: Callable[[], float] = time.monotonic):
        """`window` is in seconds."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._count = self._redis.register_script(COUNT)
        self._uncount = self._redis.register_script(UNCOUNT)
        self._window = window
        self._monotonic = monotonic
        self._skip_until = 0.0

    def hit(self, limits: Sequence[Limit]) -> list[LimitState]:
        """Count one request; returns the state of each limit after it. Empty while Valkey is
        unreachable."""
        counts = self._run(self._count, limits) or ()
        return [
            # Valkey rounds a remaining time of less than half a second to 0.
            LimitState(limit, max(limit.quota - count, -1), max(seconds, 1))
            for limit, (count, seconds) in zip(limits, counts, strict=False)
        ]

    def uncount(self, limits: Sequence[Limit]) -> None:
        """Lower the counter of each limit by one request."""
        self._run(self._uncount, limits)

    def _run(self, script: Script, limits: Sequence[Limit]) -> list[Any] | None:
        """Run the script for the keys of the limits; returns its answer, or None while Valkey is
        unreachable."""
        if not limits or self._monotonic() < self._skip_until:
            return None
        try:
            answer: list[Any] = script([limit.key for limit in limits], [self._window])
            return answer
        except RedisError as error:
            self._skip_until = self._monotonic() + PAUSE_SECONDS
            log.warning("requests are not counted", error=str(error))
            return None
