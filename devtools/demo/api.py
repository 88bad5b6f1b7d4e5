"""A client of Connectify's API, as a person's device is one: over HTTP, with a token."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import aiohttp

# Shorter than the web server keeps a connection: a request must not meet the end of one.
KEEP_ALIVE_SECONDS = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=30)
ERRORS = (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError)


class ApiError(Exception):
    """Connectify answered otherwise than a client must expect, or not at all."""


class Api:
    """Kept-alive connections to Connectify at `origin`; closed with the context."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    async def __aenter__(self) -> "Api":
        connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def login(self, username: str, password: str) -> str:
        """A new token."""
        body = {"username": username, "password": password, "device": "demo"}
        answer, _ = await self._send("POST", "/api/v1/accounts/login/", body=body)
        return answer["token"]

    async def publish(self, token: str, content: str) -> tuple[int, float]:
        """The new post's id, and time.monotonic() when the whole answer was there."""
        answer, at = await self._send("POST", "/api/v1/posts/", token, {"content": content})
        return answer["id"], at

    async def register_device(self, token: str, subscription: dict) -> None:
        await self._send("POST", "/api/v1/push/subscriptions/", token, subscription)

    async def delete_post(self, token: str, post_id: int) -> None:
        await self._send("DELETE", f"/api/v1/posts/{post_id}/", token)

    async def follow(self, token: str, user_id: int) -> None:
        await self._send("PUT", f"/api/v1/users/{user_id}/follow/", token)

    async def unfollow(self, token: str, user_id: int) -> None:
        await self._send("DELETE", f"/api/v1/users/{user_id}/follow/", token)

    async def timeline(self, token: str) -> list[dict]:
        """All of one's home timeline, read page by page."""
        posts, url = [], "/api/v1/timeline/"
        while url:
            page, _ = await self._send("GET", url.removeprefix(self.origin), token)
            posts += page["results"]
            url = page["older"]
        return posts

    async def _send(
        self, method: str, path: str, token: str | None = None, body: dict | None = None
    ) -> tuple[Any, float]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(
                method, f"{self.origin}{path}", json=body, headers=headers
            ) as response:
                text = await response.text()
                at = time.monotonic()
                if not response.ok:
                    raise ApiError(f"{method} {path}: {response.status} {text[:200]}")
                return json.loads(text) if text else None, at
        except ERRORS as error:
            raise ApiError(f"{method} {path}: {type(error).__name__} {error}") from error


async def at_once(limit: int, acts: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do all, at most `limit` of them at the same time."""
    remaining = iter(acts)

    async def work() -> None:
        for act in remaining:
            await act()

    await asyncio.gather(*(work() for _ in range(limit)))
