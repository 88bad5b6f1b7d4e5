"""Sending many pushes at once over kept-alive connections, from one event loop a process.

Guarantee: every push given ends in exactly one Outcome; none raises for another's sake, and no
service takes the requests, or more than a moment, of the others.
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

from notifications import addresses
from notifications.breaker_board import Board
from notifications.breakers import Breaker
from notifications.claims import Push
from notifications.endpoints import EndpointError
from notifications.lines import Item, Line
from notifications.messages import Message
from notifications.outcomes import (
    REJECTED_STATUSES,
    Answer,
    Outcome,
    State,
    again,
    judge,
)
from notifications.patience import Pulse
from notifications.reasons import frames, words
from notifications.rounds import Clock, Late, Round
from notifications.transports import Transport, UnavailableError, UnusableError
from notifications.windows import Result

log = structlog.get_logger(__name__)

PASSING = (aiohttp.ClientError, OSError, UnavailableError)
PUT_OFF = "the push service is given time"
DRAIN_SECONDS = 5.0
# Longer than a breaker's opening is remembered, which makes the next one longer.
FORGOTTEN_SECONDS = 600.0


class Sender:
    """One event loop on a thread of its own, one pool of connections, and a line for each push
    service, for the life of a process."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._pulse = Pulse(self._loop, self._beat)
        self._board = Board(settings.REDIS_URL)
        self._transports: dict[str, Transport] = {}
        self._lines: dict[str, Line] = {}
        self._busy: set[Line] = set()  # The lines that hold something.
        self._forgot_at = 0.0
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
        """The outcomes of the pushes, in their order; `messages` are by message id. With `late`,
        those of the pushes whose answers take long are given to it instead, on another thread."""
        round_ = Round(pushes, messages, clock, late)
        if not pushes:
            return []
        impossible: dict[int, Outcome] = {}
        items: list[tuple[str, Item]] = []
        for place, push in enumerate(pushes):
            try:
                origin = self._transport(push.transport).origin(push)
                items.append((origin, Item(push, round_, place)))
            except Exception as error:
                impossible[place] = _failed(push, error, round_)
        asked_at = time.time()
        known = self._board.read({origin for origin, _ in items})
        self._loop.call_soon_threadsafe(self._begin, round_, items, impossible, known, asked_at)
        outcomes = round_.wait()
        for origin in known:
            if (line := self._lines.get(origin)) and (news := line.breaker.news()):
                self._board.note_acceptance(origin, news)
        return outcomes

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until nothing is in flight any more, so long at most."""
        deadline = time.monotonic() + seconds
        while any(map(len, list(self._lines.values()))) and time.monotonic() < deadline:
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
            round_.fail()

    # --- on the event loop's thread ---

    def _begin(
        self,
        round_: Round,
        items: Sequence[tuple[str, Item]],
        impossible: Mapping[int, Outcome],
        known: Mapping,
        asked_at: float,
    ) -> None:
        self._rounds.add(round_)
        self._forget_lines()
        for place, outcome in impossible.items():
            round_.end(place, outcome)
        for origin, what in known.items():
            if origin not in self._lines:
                breaker = Breaker(origin, self._board)
                self._lines[origin] = Line(breaker, self._pulse, self._attempt, _put_off)
            self._lines[origin].breaker.take(what, asked_at)
            self._lines[origin].used_at = self._loop.time()
            self._busy.add(self._lines[origin])
        for origin, item in items:
            self._lines[origin].add(item)
        for origin in known:
            self._lines[origin].fill()
        self._pulse.start()

    def _beat(self) -> bool:
        for round_ in [each for each in self._rounds if self._pulse.on_time]:
            round_.hold()
        self._rounds = {each for each in self._rounds if not each.is_over}
        for line in self._busy:
            line.check()
        self._busy = {line for line in self._busy if len(line)}
        return bool(self._rounds or self._busy)

    def _forget_lines(self) -> None:
        """Drop those that were not used lately: users choose the origins of their endpoints."""
        now = self._loop.time()
        if now - self._forgot_at < FORGOTTEN_SECONDS / 10:
            return
        self._forgot_at = now
        self._lines = {
            origin: line
            for origin, line in self._lines.items()
            if len(line) or now - line.used_at < FORGOTTEN_SECONDS
        }

    async def _attempt(self, line: Line, item: Item) -> None:
        """Make an attempt, and end the item with its outcome."""
        try:
            outcome = await self._outcome(line, item)
        except Exception as error:
            outcome = _failed(item.push, error, item.round)
        except asyncio.CancelledError:
            # Nobody gave it up: it counts as not made.
            outcome = _not_made(item, 0.0)
        try:
            item.round.end(item.place, outcome)
        finally:
            line.left(item)

    async def _outcome(self, line: Line, item: Item) -> Outcome:
        push, round_ = item.push, item.round
        message, began_at = round_.messages[push.message_id], round_.clock()
        told = await self._told(line, item, message, began_at)
        now = round_.clock()
        if isinstance(told, str):
            line.note(item, Result.FAILED)
            return again(push, told, message, now=now, wait=line.breaker.left())
        line.answered(item)
        if 200 <= told.status < 300:
            line.breaker.accepted(push.user_id, began_at.timestamp())
        line.note(item, _result(told))
        since = push.rejected_at
        own = since and line.breaker.is_own_fault(push.user_id, since.timestamp())
        wait = line.breaker.left()
        return judge(push, told, message, now=now, wait=wait, own_fault=bool(own))

    async def _told(self, line: Line, item: Item, message: Message, now: datetime) -> Answer | str:
        """The answer, or why there was none this time. Raises what is not the service's fault."""
        try:
            if self._http is None:
                self._http = addresses.session(limit=0)  # Each line has its own limit.
            transport = self._transports[item.push.transport]
            return await transport.send(self._http, item.push, message, now=now)
        except asyncio.CancelledError:
            if not item.gave_up:
                raise
            return line.ran_out(item)
        except aiohttp.InvalidURL:
            raise  # It is a ClientError, but no fault of the service.
        except PASSING as error:
            return words(error)

    def _transport(self, name: str) -> Transport:
        """Raises UnusableError where the settings name no such transport (any more)."""
        if name not in self._transports:
            if name not in settings.PUSH_TRANSPORTS:
                raise UnusableError("this transport is not offered any more")
            self._transports[name] = import_string(settings.PUSH_TRANSPORTS[name])()
        return self._transports[name]


def _put_off(item: Item, seconds: float) -> None:
    item.round.end(item.place, _not_made(item, seconds))


def _not_made(item: Item, seconds: float) -> Outcome:
    """The outcome of a push that is to wait for so many seconds at least."""
    push, round_ = item.push, item.round
    message, now = round_.messages[push.message_id], round_.clock()
    return again(push, PUT_OFF, message, now=now, wait=seconds, charged=False)


def _result(answer: Answer) -> Result:
    if answer.status in REJECTED_STATUSES:
        return Result.REJECTED
    return Result.FAILED if answer.passes else Result.ANSWERED


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
