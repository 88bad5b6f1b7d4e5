"""Sending many pushes at once over kept-alive connections, from one event loop a process.

Guarantee: every push given ends in exactly one Outcome; none raises for another's sake, and no host
takes the connections, or more than the given time, of the others.
"""

import asyncio
import atexit
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import aiohttp
from django.conf import settings
from django.utils.module_loading import import_string

from notifications import addresses
from notifications.breaker_board import Board
from notifications.breakers import SILENCE, Breakers
from notifications.claims import Push
from notifications.endpoints import EndpointError
from notifications.messages import Message
from notifications.outcomes import PASSING_STATUSES, Answer, Outcome, State, again, judge
from notifications.transports import Transport, UnavailableError

# Requests in flight, in all and to one host.
IN_FLIGHT = 200
IN_FLIGHT_A_HOST = 100


class Patience(NamedTuple):
    """The seconds that an answer may take: of a host that answered last, and of one that failed."""

    usual: float
    doubted: float


# The other pushes of a task, and the tasks behind it, wait for the slowest answer: a first attempt
# is soon given up, and made again where there is more time.
FIRST = Patience(2.0, 1.0)
LATER = Patience(15.0, 15.0)

PASSING = (aiohttp.ClientError, OSError, UnavailableError)
LEFT_ALONE = "the push service is left alone for a while"

Clock = Callable[[], datetime]


class Sender:
    """One event loop, one pool of connections and the breakers, for the life of a process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._transports: dict[str, Transport] = {}
        self._breakers = Breakers(Board(settings.REDIS_URL))
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self._host_gates: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(IN_FLIGHT_A_HOST)
        )
        self._http: aiohttp.ClientSession | None = None

    def send(
        self,
        pushes: Sequence[Push],
        messages: Mapping[int, Message],
        clock: Clock,
        patience: Patience = LATER,
    ) -> list[Outcome]:
        """The outcomes of the pushes, in their order; `messages` are by post id."""
        return self._loop.run_until_complete(self._send_all(pushes, messages, clock, patience))

    def close(self) -> None:
        if self._http is not None:
            self._loop.run_until_complete(self._http.close())
        self._breakers.close()
        self._loop.close()

    async def _send_all(self, pushes, messages, clock, patience) -> list[Outcome]:
        if self._http is None:
            self._http = addresses.session(limit=IN_FLIGHT)
        self._breakers.begin_round()
        return await asyncio.gather(
            *(self._attempt(push, messages[push.post_id], clock, patience) for push in pushes)
        )

    async def _attempt(
        self, push: Push, message: Message, clock: Clock, patience: Patience
    ) -> Outcome:
        try:
            transport = self._transport(push.transport)
            origin = transport.origin(push)
            # A slow host's pushes wait at its own gate, and so hold nothing that others need.
            async with self._host_gates[origin], self._gate:
                if wait := self._breakers.wait(origin):
                    return again(push, LEFT_ALONE, message, now=clock(), wait=wait, charged=False)
                limit = patience[self._breakers.is_doubtful(origin)]
                try:
                    async with asyncio.timeout(limit):
                        answer = await transport.send(self._http, push, message, now=clock())
                except TimeoutError:
                    wait = self._breakers.failed(origin, SILENCE)
                    reason = f"no answer within {limit:g} s"
                    return again(push, reason, message, now=clock(), wait=wait)
                except PASSING as error:
                    wait = self._breakers.failed(origin)
                    reason = f"{type(error).__name__} {error}"
                    return again(push, reason, message, now=clock(), wait=wait)
                wait = self._heard(origin, answer)
                return judge(push, answer, message, now=clock(), wait=wait)
        except EndpointError as error:
            return Outcome(push, State.REFUSED, clock(), reason=str(error))
        except ValueError as error:
            return Outcome(push, State.FAILED, clock(), reason=str(error))

    def _heard(self, origin: str, answer: Answer) -> float:
        if answer.status in PASSING_STATUSES:
            return self._breakers.failed(origin)
        self._breakers.answered(origin)
        return 0.0

    def _transport(self, name: str) -> Transport:
        """Raises ValueError where the settings name no such transport (any more)."""
        if name not in self._transports:
            if name not in settings.PUSH_TRANSPORTS:
                raise ValueError(f"no transport {name}")
            self._transports[name] = import_string(settings.PUSH_TRANSPORTS[name])()
        return self._transports[name]


@cache
def sender() -> Sender:
    """This process's sender, made when the first push is sent, which is after any fork."""
    made = Sender()
    atexit.register(made.close)
    return made
