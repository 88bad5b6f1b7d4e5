"""Sending many pushes at once over kept-alive connections, from one event loop a process.

Guarantee: every push given ends in exactly one Outcome; none raises for another's sake.
"""

import asyncio
import atexit
from collections.abc import Sequence
from functools import cache

import aiohttp
from django.conf import settings

from notifications import addresses, webpush
from notifications.claims import Push
from notifications.endpoints import EndpointError, check_endpoint
from notifications.models import Delivery
from notifications.settling import Outcome
from social.models import Post

IN_FLIGHT = 100
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
ANSWER_LIMIT = 4_096
MAX_ATTEMPTS = 8
PASSING_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
GONE_STATUSES = frozenset({404, 410})


class Sender:
    """One event loop and one pool of connections, for the life of a worker process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._signer = webpush.Signer(settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)
        self._session: aiohttp.ClientSession | None = None

    def send(self, pushes: Sequence[Push], posts: dict[int, Post]) -> list[Outcome]:
        """The outcomes of the pushes, in their order."""
        return self._loop.run_until_complete(self._send_all(pushes, posts))

    def close(self) -> None:
        if self._session is not None:
            self._loop.run_until_complete(self._session.close())
        self._loop.close()

    async def _send_all(self, pushes: Sequence[Push], posts: dict[int, Post]) -> list[Outcome]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=addresses.connector(limit=IN_FLIGHT),
                timeout=TIMEOUT,
                trust_env=False,
                # An answer is hardly read; a small one must not unfold into a large one.
                auto_decompress=False,
                # No memory between push services.
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        payloads = {post_id: webpush.payload(post) for post_id, post in posts.items()}
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def gated(push: Push) -> Outcome:
            async with gate:
                return await self._send(push, payloads[push.post_id])

        return await asyncio.gather(*map(gated, pushes))

    async def _send(self, push: Push, plaintext: bytes) -> Outcome:
        try:
            check_endpoint(push.endpoint)
        except EndpointError as error:
            return Outcome(push, Delivery.State.REFUSED, reason=str(error))
        try:
            body = webpush.encrypt(plaintext, push.p256dh, push.auth)
        except ValueError as error:
            return Outcome(push, Delivery.State.FAILED, reason=f"keys of the device: {error}")
        authorization = self._signer.authorization(push.endpoint)
        try:
            async with self._session.post(
                push.endpoint,
                data=body,
                headers=webpush.headers(push.post_id, authorization),
                allow_redirects=False,
            ) as response:
                await response.content.read(ANSWER_LIMIT)
                return judge(push, response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _again(push, None, f"{type(error).__name__}: {error}", None)


@cache
def sender() -> Sender:
    """This process's sender, made when the first push is sent, which is after any fork."""
    made = Sender()
    atexit.register(made.close)
    return made


def judge(push: Push, status: int, retry_after: str | None) -> Outcome:
    """What a push service's answer means for the push."""
    if 200 <= status < 300:
        return Outcome(push, Delivery.State.SENT, status)
    if status in GONE_STATUSES:
        return Outcome(push, Delivery.State.REFUSED, status, "the subscription is gone", gone=True)
    if status in PASSING_STATUSES:
        return _again(push, status, f"answered {status}", retry_after)
    return Outcome(push, Delivery.State.REFUSED, status, f"answered {status}")


def _again(push: Push, status: int | None, reason: str, retry_after: str | None) -> Outcome:
    if push.attempt >= MAX_ATTEMPTS:
        return Outcome(push, Delivery.State.FAILED, status, f"{reason}, {push.attempt} attempts")
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
    return Outcome(push, Delivery.State.RETRYING, status, reason, retry_after=seconds)
