"""Sending many pushes at once over kept-alive connections, from one event loop a process.

Guarantee: every push given ends in exactly one Outcome; none raises for another's sake, and no host
takes the connections, or more than the given time, of the others.
"""

import asyncio
import atexit
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import aiohttp
import structlog
import uvloop
from django.conf import settings
from django.utils.module_loading import import_string

from notifications import addresses
from notifications.breaker_board import Board
from notifications.breakers import SILENCE, Breakers
from notifications.claims import Push
from notifications.endpoints import EndpointError
from notifications.messages import Message
from notifications.outcomes import PASSING_STATUSES, Answer, Outcome, State, again, judge
from notifications.patience import LATER, Patience, within
from notifications.reasons import frames, words
from notifications.transports import Transport, UnavailableError, UnusableError

log = structlog.get_logger(__name__)

# Requests in flight to one host; in all there are no more than a task has pushes.
IN_FLIGHT_A_HOST = 100

PASSING = (aiohttp.ClientError, OSError, UnavailableError)
LEFT_ALONE = "the push service is left alone for a while"

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Round:
    """Pushes that are sent together; `messages` are by post id."""

    pushes: Sequence[Push]
    messages: Mapping[int, Message]
    clock: Clock
    patience: Patience


class Sender:
    """One event loop, one pool of connections and the breakers, for the life of a process."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._transports: dict[str, Transport] = {}
        self._breakers = Breakers(Board(settings.REDIS_URL))
        self._http: aiohttp.ClientSession | None = None

    def send(
        self,
        pushes: Sequence[Push],
        messages: Mapping[int, Message],
        clock: Clock,
        patience: Patience = LATER,
    ) -> list[Outcome]:
        """The outcomes of the pushes, in their order; `messages` are by post id."""
        round_ = Round(pushes, messages, clock, patience)
        return self._loop.run_until_complete(self._send_all(round_))

    def close(self) -> None:
        if self._http is not None:
            self._loop.run_until_complete(self._http.close())
        self._breakers.close()
        self._loop.close()

    async def _send_all(self, round_: Round) -> list[Outcome]:
        if self._http is None:
            self._http = addresses.session(limit=0)  # Each host has its own limit.
        self._breakers.begin_round()
        outcomes: dict[int, Outcome] = {}
        by_origin = defaultdict(list)
        for place, push in enumerate(round_.pushes):
            try:
                transport = self._transport(push.transport)
                by_origin[transport, transport.origin(push)].append(place)
            except Exception as error:
                outcomes[place] = _failed(push, error, round_)
        lines = []
        for (transport, origin), places in by_origin.items():
            waiting = iter(places)
            for _ in range(min(len(places), IN_FLIGHT_A_HOST)):
                lines.append(self._work_off(waiting, transport, origin, round_, outcomes))
        await asyncio.gather(*lines)
        return [outcomes[place] for place in range(len(round_.pushes))]

    async def _work_off(
        self,
        waiting: Iterator[int],
        transport: Transport,
        origin: str,
        round_: Round,
        outcomes: dict[int, Outcome],
    ) -> None:
        """One request in flight to a host, again and again, until none of its pushes waits."""
        for place in waiting:
            push = round_.pushes[place]
            try:
                outcomes[place] = await self._attempt(transport, origin, push, round_)
            except Exception as error:
                outcomes[place] = _failed(push, error, round_)

    async def _attempt(
        self, transport: Transport, origin: str, push: Push, round_: Round
    ) -> Outcome:
        message, clock = round_.messages[push.message_id], round_.clock
        if wait := self._breakers.wait(origin):
            return again(push, LEFT_ALONE, message, now=clock(), wait=wait, charged=False)
        limit = round_.patience[self._breakers.is_doubtful(origin)]
        try:
            async with within(limit):
                answer = await transport.send(self._http, push, message, now=clock())
        except TimeoutError:
            wait, reason = self._breakers.failed(origin, SILENCE), f"no answer within {limit:g} s"
        except ValueError:
            raise  # Some of aiohttp's errors are both; this is not the host's fault.
        except PASSING as error:
            wait, reason = self._breakers.failed(origin), words(error)
        else:
            wait = self._heard(origin, answer)
            return judge(push, answer, message, now=clock(), wait=wait)
        return again(push, reason, message, now=clock(), wait=wait)

    def _heard(self, origin: str, answer: Answer) -> float:
        if answer.status in PASSING_STATUSES:
            return self._breakers.failed(origin)
        self._breakers.answered(origin)
        return 0.0

    def _transport(self, name: str) -> Transport:
        """Raises UnusableError where the settings name no such transport (any more)."""
        if name not in self._transports:
            if name not in settings.PUSH_TRANSPORTS:
                raise UnusableError("this transport is not offered any more")
            self._transports[name] = import_string(settings.PUSH_TRANSPORTS[name])()
        return self._transports[name]


def _failed(push: Push, error: Exception, round_: Round) -> Outcome:
    """The outcome of an attempt that raised an error of any other class. A device that cannot be
    used ends its push. Anything else may be a fault of ours, which an operator can mend before the
    push expires: it is tried again."""
    now = round_.clock()
    if isinstance(error, EndpointError):
        return Outcome(push, State.REFUSED, now, reason=words(error))
    if isinstance(error, UnusableError):
        return Outcome(push, State.FAILED, now, reason=words(error))
    if not isinstance(error, UnavailableError):
        log.error("an attempt raised", error=words(error), frames=frames(error))
    return again(push, words(error), round_.messages[push.message_id], now=now)


@cache
def sender() -> Sender:
    """This process's sender, made when the first push is sent, which is after any fork."""
    made = Sender()
    atexit.register(made.close)
    return made
