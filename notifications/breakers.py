"""Leaving a push host alone while it fails, so that it costs the others nothing.

Guarantee: after THRESHOLD failures in a row nothing is sent to a host for a while; then one push
probes it, and its answer decides. What a process knows it shares through Valkey; without Valkey it
goes on by itself.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from notifications.breaker_board import Board, Opening

THRESHOLD = 20
# A host that does not answer costs the others time, and so counts for several that fail at once.
SILENCE = 4
OPEN_SECONDS = 10.0
LONGEST_SECONDS = 300.0
# Longer than an attempt may take: a probe that is not heard of by then has died with its process.
PROBE_SECONDS = 20.0
# How long the others wait for what becomes of a probe, before they ask again.
PROBED_SECONDS = 3.0


@dataclass(slots=True)
class _Host:
    failures: int = 0
    opening: Opening | None = None
    probing: bool = False
    probed_until: float = 0.0


class Breakers:
    """One for each origin that pushes go to; times are time.time()."""

    def __init__(self, board: Board, clock: Callable[[], float] = time.time) -> None:
        self._board = board
        self._clock = clock
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)
        self._asked: set[str] = set()

    def begin_round(self) -> None:
        """What other processes have found out is asked for anew, once for each host."""
        self._asked.clear()

    def wait(self, origin: str) -> float:
        """Seconds for which the host is to be left alone; at 0 the caller sends, and tells how it
        went by `failed` or `answered`."""
        if origin not in self._asked:
            self._asked.add(origin)
            self._refresh(origin)
        host = self._hosts[origin]
        if host.opening is None:
            return 0.0
        now = self._clock()
        if now < host.opening.until:
            return host.opening.until - now
        if now < host.probed_until:
            return PROBED_SECONDS
        # One probe at a time, in all processes.
        host.probing = self._board.take_probe(origin, PROBE_SECONDS)
        host.probed_until = now + (PROBE_SECONDS if host.probing else PROBED_SECONDS)
        return 0.0 if host.probing else PROBED_SECONDS

    def is_doubtful(self, origin: str) -> bool:
        """Whether the host has failed last; of a probe, that is known."""
        host = self._hosts[origin]
        return bool(host.failures) and not host.probing

    def failed(self, origin: str, weight: int = 1) -> float:
        """Returns the seconds for which the host is to be left alone now."""
        host = self._hosts[origin]
        host.failures += weight
        if host.probing or (host.opening is None and host.failures >= THRESHOLD):
            number = host.opening.number + 1 if host.opening else 1
            seconds = min(LONGEST_SECONDS, OPEN_SECONDS * 2 ** (number - 1))
            opening = Opening(number, self._clock() + seconds)
            self._hosts[origin] = _Host(opening=opening)
            self._board.write(origin, opening)
        opening = self._hosts[origin].opening
        return max(0.0, opening.until - self._clock()) if opening else 0.0

    def answered(self, origin: str) -> None:
        host = self._hosts[origin]
        if host.opening is not None:
            self._board.erase(origin)
        if host.opening is not None or host.failures:
            self._hosts[origin] = _Host()

    def _refresh(self, origin: str) -> None:
        opening = self._board.read(origin, otherwise=self._hosts[origin].opening)
        if opening != self._hosts[origin].opening:
            self._hosts[origin] = _Host(opening=opening)

    def close(self) -> None:
        self._board.close()
