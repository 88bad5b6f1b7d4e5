"""How long the answer of a push service is waited for.

Guarantee: time in which this process itself stood still is not held against a service.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

TICKS = 10


class Patience(NamedTuple):
    """The seconds that an answer may take: of a host that answered last, and of one that failed."""

    usual: float
    doubted: float


# The other pushes of a task, and the tasks behind it, wait for the slowest answer: a first attempt
# is soon given up, and made again where there is more time.
FIRST = Patience(2.0, 1.0)
LATER = Patience(15.0, 15.0)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """As asyncio.timeout(), but of time that the event loop has lived through: it raises
    TimeoutError only after TICKS parts of `seconds`, each counted once however late it ended. The
    loop does what is due before it reads what has come, and so would take an answer that lies there
    for none when the process was stopped, or starved, for `seconds`."""
    loop = asyncio.get_running_loop()
    left = TICKS

    def tick() -> None:
        nonlocal left, timer
        left -= 1
        if left:
            timer = loop.call_later(seconds / TICKS, tick)
        else:
            timeout.reschedule(loop.time())

    async with asyncio.timeout(None) as timeout:
        timer = loop.call_later(seconds / TICKS, tick)
        try:
            yield
        finally:
            timer.cancel()
