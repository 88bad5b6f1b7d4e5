"""Sends many pushes at once over kept-alive connections, from one event loop per process.

Guarantee: every push ends in exactly one Outcome. An error of one push does not affect the others,
and a slow or failing service neither uses up the requests of other services nor delays them.
"""

import asyncio
import atexit
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import aiohttp
import structlog
import uvloop
from django.conf import settings
from django.utils.module_loading import import_string

from notifications.delivery import addresses
from notifications.delivery.breaker_board import Board, SharedState
from notifications.delivery.breakers import CircuitBreaker
from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.origin_queues import Item, OriginQueue
from notifications.delivery.outcomes import (
    REJECTED_STATUSES,
    Answer,
    Outcome,
    State,
    judge,
    retry_later,
)
from notifications.delivery.response_timeouts import LoopClock
from notifications.delivery.rounds import Clock, Late, Round
from notifications.delivery.transports import Transport, UnavailableError, UnusableError
from notifications.delivery.windows import Result
from notifications.endpoints import EndpointError
from notifications.reasons import describe, frames

log = structlog.get_logger(__name__)

PASSING = (aiohttp.ClientError, OSError, UnavailableError)
POSTPONED = "postponed: the push service is overloaded or failing"
DRAIN_SECONDS = 5.0
# A queue that was unused for this long is dropped, together with its circuit. Must exceed
# REMEMBER_SECONDS: a circuit that remembers its last opening makes the next one longer.
IDLE_SECONDS = 600.0


class Sender:
    """An event loop on its own thread, a pool of connections, and a queue for each push service.
    It lives as long as the process."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._clock = LoopClock(self._loop, self._on_tick)
        self._board = Board(settings.REDIS_URL)
        self._transports: dict[str, Transport] = {}
        self._queues: dict[str, OriginQueue] = {}
        self._busy: set[OriginQueue] = set()  # The queues that are not empty.
        self._cleaned_at = 0.0
        self._rounds: set[Round] = set()
        self._http: aiohttp.ClientSession | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="pushes", daemon=True)
        self._thread.start()

    def send(
        self,
        pushes: Sequence[Push],
        messages: Mapping[int, Message],
        clock: Clock,
        late: Late | None = None,
    ) -> list[Outcome]:
        """Send the pushes; `messages` are by message id. Returns the outcomes in the order of the
        pushes. With `late`, slow pushes are left out: `late` is called with their outcomes on
        another thread."""
        round_ = Round(pushes, messages, clock, late)
        if not pushes:
            return []
        impossible: dict[int, Outcome] = {}
        items: list[tuple[str, Item]] = []
        for index, push in enumerate(pushes):
            try:
                origin = self._transport(push.transport).origin(push)
                items.append((origin, Item(push, round_, index)))
            except Exception as error:
                impossible[index] = _failed(push, error, round_)
        read_at = time.time()
        shared = self._board.read({origin for origin, _ in items})
        self._loop.call_soon_threadsafe(self._begin, round_, items, impossible, shared, read_at)
        outcomes = round_.wait()
        for origin in shared:
            queue = self._queues.get(origin)
            if queue and (acceptance := queue.breaker.unpublished_acceptance()):
                self._board.note_acceptance(origin, acceptance)
        return outcomes

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until no push waits or is in flight, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        while any(map(len, list(self._queues.values()))) and time.monotonic() < deadline:
            time.sleep(0.05)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._board.close()

    async def _close(self) -> None:
        for transport in self._transports.values():
            transport.close()
        if self._http is not None:
            await self._http.close()
        for round_ in self._rounds:
            round_.abandon()

    # --- on the event loop's thread ---

    def _begin(
        self,
        round_: Round,
        items: Sequence[tuple[str, Item]],
        impossible: Mapping[int, Outcome],
        shared: Mapping[str, SharedState | None],
        read_at: float,
    ) -> None:
        self._rounds.add(round_)
        self._drop_idle_queues()
        for index, outcome in impossible.items():
            round_.end(index, outcome)
        for origin, state in shared.items():
            if origin not in self._queues:
                breaker = CircuitBreaker(origin, self._board)
                self._queues[origin] = OriginQueue(breaker, self._clock, self._attempt, _postpone)
            self._queues[origin].breaker.merge(state, read_at)
            self._queues[origin].used_at = self._loop.time()
            self._busy.add(self._queues[origin])
        for origin, item in items:
            self._queues[origin].add(item)
        for origin in shared:
            self._queues[origin].start_waiting()
        self._clock.start()

    def _on_tick(self) -> bool:
        for round_ in [each for each in self._rounds if self._clock.on_time]:
            round_.count_idle_tick()
        self._rounds = {each for each in self._rounds if not each.is_over}
        for queue in self._busy:
            queue.check_times()
        self._busy = {queue for queue in self._busy if len(queue)}
        return bool(self._rounds or self._busy)

    def _drop_idle_queues(self) -> None:
        """Drop the queues that were not used lately. Users choose the origins of their endpoints,
        so the number of queues would grow without limit."""
        now = self._loop.time()
        if now - self._cleaned_at < IDLE_SECONDS / 10:
            return
        self._cleaned_at = now
        self._queues = {
            origin: queue
            for origin, queue in self._queues.items()
            if len(queue) or now - queue.used_at < IDLE_SECONDS
        }

    async def _attempt(self, queue: OriginQueue, item: Item) -> None:
        """Make an attempt, and end the item with its outcome."""
        try:
            outcome = await self._outcome(queue, item)
        except Exception as error:
            outcome = _failed(item.push, error, item.round)
        except asyncio.CancelledError:
            # It did not time out: something else cancelled it, so the attempt does not count.
            outcome = _postponed(item, 0.0)
        try:
            item.round.end(item.index, outcome)
        finally:
            queue.finished(item)

    async def _outcome(self, queue: OriginQueue, item: Item) -> Outcome:
        push, round_ = item.push, item.round
        message, started_at = round_.messages[push.message_id], round_.clock()
        answer = await self._answer(queue, item, message, started_at)
        now = round_.clock()
        if isinstance(answer, str):
            queue.note_result(item, Result.FAILED)
            return retry_later(push, answer, message, now=now, wait=queue.breaker.seconds_open())
        queue.note_response(item)
        if 200 <= answer.status < 300:
            queue.breaker.note_acceptance(push.user_id, started_at.timestamp())
        queue.note_result(item, _result(answer))
        since = push.rejected_at
        own = since and queue.breaker.is_own_fault(push.user_id, since.timestamp())
        wait = queue.breaker.seconds_open()
        return judge(push, answer, message, now=now, wait=wait, own_fault=bool(own))

    async def _answer(
        self, queue: OriginQueue, item: Item, message: Message, now: datetime
    ) -> Answer | str:
        """Send the push. Returns the answer, or the reason why the service gave none. Raises errors
        that are not the service's fault."""
        try:
            if self._http is None:
                self._http = addresses.session(limit=0)  # Each queue has its own limit.
            transport = self._transports[item.push.transport]
            return await transport.send(self._http, item.push, message, now=now)
        except asyncio.CancelledError:
            if not item.timed_out:
                raise
            return queue.note_timeout(item)
        except aiohttp.InvalidURL:
            raise  # A ClientError, but not the service's fault.
        except PASSING as error:
            return describe(error)

    def _transport(self, name: str) -> Transport:
        """Raises UnusableError if PUSH_TRANSPORTS does not name this transport (any more)."""
        if name not in self._transports:
            if name not in settings.PUSH_TRANSPORTS:
                raise UnusableError("this transport is not offered any more")
            self._transports[name] = import_string(settings.PUSH_TRANSPORTS[name])()
        return self._transports[name]


def _postpone(item: Item, seconds: float) -> None:
    item.round.end(item.index, _postponed(item, seconds))


def _postponed(item: Item, seconds: float) -> Outcome:
    """The outcome of a push that was not attempted and waits for at least `seconds`."""
    push, round_ = item.push, item.round
    message, now = round_.messages[push.message_id], round_.clock()
    return retry_later(push, POSTPONED, message, now=now, wait=seconds, charged=False)


def _result(answer: Answer) -> Result:
    if answer.status in REJECTED_STATUSES:
        return Result.REJECTED
    return Result.FAILED if answer.passes else Result.ANSWERED


def _failed(push: Push, error: Exception, round_: Round) -> Outcome:
    """The outcome of an attempt that raised an unexpected error. An unusable device ends its push.
    Any other error may be our own fault, which an operator can fix before the push expires, so the
    push is retried."""
    now = round_.clock()
    if isinstance(error, EndpointError):
        return Outcome(push, State.REFUSED, now, reason=describe(error))
    if isinstance(error, UnusableError):
        return Outcome(push, State.FAILED, now, reason=describe(error))
    if not isinstance(error, UnavailableError):
        log.error("an attempt raised", error=describe(error), frames=frames(error))
    return retry_later(push, describe(error), round_.messages[push.message_id], now=now)


@cache
def sender() -> Sender:
    """This process's sender. It is created with the first push, and so after any fork."""
    made = Sender()
    atexit.register(made.close)
    return made
