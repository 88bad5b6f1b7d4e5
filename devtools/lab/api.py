"""A client of Connectify's API that behaves like a user's device: over HTTP, with a token."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp

# Shorter than the web server keeps a connection, so that no request meets a closing connection.
KEEP_ALIVE_SECONDS = 1.0
TIMEOUT_SECONDS = 30.0
CONNECTIONS = 60
ERRORS = (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError)


class ApiError(Exception):
    """Connectify's answer was an error with this `status`, or there was no answer."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """`at` is the time.monotonic() at which the whole answer had arrived."""

    body: Any
    at: float
    replayed: bool


class Api:
    """Keep-alive connections to Connectify at `origin`, closed with the context. `answers` counts
    the answers by status; " with Retry-After" is appended to the status if there was such a
    header."""

    def __init__(self, origin: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.origin = origin
        self.answers: Counter[str] = Counter()
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def __aenter__(self) -> "Api":
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def login(self, username: str, password: str) -> str:
        """Return a new token."""
        body = {"username": username, "password": password, "device": "demo"}
        return (await self._send("POST", "/api/v1/accounts/login/", body=body)).body["token"]

    async def publish(self, token: str, content: str, key: str | None = None) -> Answer:
        """Write a post; `key` is its Idempotency-Key."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._send("POST", "/api/v1/posts/", token, {"content": content}, **headers)

    async def register_device(self, token: str, subscription: dict) -> None:
        await self._send("POST", "/api/v1/push/subscriptions/", token, subscription)

    async def delete_post(self, token: str, post_id: int) -> None:
        await self._send("DELETE", f"/api/v1/posts/{post_id}/", token)

    async def follow(self, token: str, user_id: int) -> None:
        await self._send("PUT", f"/api/v1/users/{user_id}/follow/", token)

    async def unfollow(self, token: str, user_id: int) -> None:
        await self._send("DELETE", f"/api/v1/users/{user_id}/follow/", token)

    async def page(self, token: str, url: str | None = None) -> dict:
        """One page of the token's home timeline: the first, or the one at a link of another
        page."""
        path = (url or "/api/v1/timeline/").removeprefix(self.origin)
        return (await self._send("GET", path, token)).body

    async def timeline(self, token: str) -> list[dict]:
        """The whole home timeline, read page by page."""
        page = await self.page(token)
        posts = page["results"]
        while page["older"]:
            page = await self.page(token, page["older"])
            posts += page["results"]
        return posts

    async def _send(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: dict | None = None,
        **headers: str,
    ) -> Answer:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            async with self._session.request(
                method, f"{self.origin}{path}", json=body, headers=headers
            ) as response:
                text = await response.text()
                at = time.monotonic()
                retry = " with Retry-After" if "Retry-After" in response.headers else ""
                self.answers[f"{response.status}{retry}"] += 1
                if not response.ok:
                    words = f"{method} {path}: {response.status} {text[:200]}"
                    raise ApiError(words, response.status)
                replayed = response.headers.get("Idempotent-Replayed") == "true"
                return Answer(json.loads(text) if text else None, at, replayed)
        except ERRORS as error:
            raise ApiError(f"{method} {path}: {type(error).__name__} {error}") from error


async def at_once(limit: int, acts: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Run all acts, at most `limit` at the same time."""
    remaining = iter(acts)

    async def work() -> None:
        for act in remaining:
            await act()

    await asyncio.gather(*(work() for _ in range(limit)))
