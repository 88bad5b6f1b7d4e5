"""Firebase Cloud Messaging, HTTP v1. A device's address is its registration token.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

import aiohttp
from django.conf import settings

from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.outcomes import Answer
from notifications.delivery.transports import Transport, UnavailableError
from notifications.delivery.transports.google_tokens import TokenSource, read_key

ANSWER_LIMIT = 16_384
BODY_SECONDS = 2.0
# https://firebase.google.com/docs/cloud-messaging/concept-options
BODY_LIMIT = 4_096
# The lengths, in characters, to which title and body are cut, until the request is short enough.
LENGTHS = (300, 150, 75, 30)
# For a device that is offline FCM keeps the newest message of each collapse key, for up to four
# keys. With more, there are "no guarantees about which ones" it keeps.
# https://firebase.google.com/docs/cloud-messaging/customize-messages/set-message-type
MAX_COLLAPSE_KEYS = 4


class Fcm(Transport):
    @cached_property
    def _key(self) -> dict[str, str]:
        """The key file. It is read when it is first needed, and again as long as it is unusable. So
        a bad file fails only the pushes by FCM, and these are sent once it is fixed."""
        return read_key(settings.FCM_KEY_FILE)

    @cached_property
    def _url(self) -> str:
        project = quote(self._key["project_id"], safe="")
        return f"{settings.FCM_ORIGIN}/v1/projects/{project}/messages:send"

    @cached_property
    def _tokens(self) -> TokenSource:
        return TokenSource(self._key)

    def origin(self, push: Push) -> str:
        return str(settings.FCM_ORIGIN)

    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        token = await self._tokens.token(http, now=now)
        wishes = json.loads(push.wishes) if push.wishes else {}
        body = request_body(push.endpoint, message, wishes, now=now)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with http.post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as response:
            if response.status == 401:
                self._tokens.forget(token)
                raise UnavailableError("the access token was refused")
            gone = error_code(await _body(response)) == "UNREGISTERED" and response.status == 404
            return Answer(response.status, response.headers.get("Retry-After"), gone)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Read the body to its end, so that the connection can be reused, or up to ANSWER_LIMIT bytes.
    It may come in several parts. Stops after BODY_SECONDS, because the status is known already."""
    body = b""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(BODY_SECONDS):
            while len(body) < ANSWER_LIMIT and (part := await response.content.read(ANSWER_LIMIT)):
                body += part
    return body


def request_body(
    token: str, message: Message, wishes: Mapping[str, Any], *, now: datetime
) -> bytes:
    """The request body for one device. It has at most 4,096 bytes, FCM's limit: title and body are
    in it up to three times, and are cut if they are long in UTF-8.

    `data` is for the app. With the wish `alert` (the default) the system itself shows the message,
    because a sleeping app does not run. On an iPhone that is aps.alert, which the app's extension
    may change first (`mutable-content`). Without `alert`, the app is woken to show the message.
    `priority` is "high" by default; "normal" waits for the end of Doze on Android. `collapse_keys`
    says how many of our messages FCM keeps for a device that is offline; 0 (the default) for all.
    """
    for length in LENGTHS:
        short = replace(message, title=message.title[:length], body=message.body[:length])
        body = _request_body(token, short, wishes, now)
        if len(body) <= BODY_LIMIT:
            break
    return body


def _request_body(token: str, message: Message, wishes: Mapping[str, Any], now: datetime) -> bytes:
    seconds = int((message.expires_at - now).total_seconds())
    alert, high = wishes.get("alert", True), wishes.get("priority", "high") == "high"
    android: dict[str, object] = {"ttl": f"{seconds}s", "priority": "HIGH" if high else "NORMAL"}
    if kept := min(int(wishes.get("collapse_keys", 0)), MAX_COLLAPSE_KEYS):
        android["collapse_key"] = f"posts-{message.post_id % kept}"
    aps: dict[str, object] = {"thread-id": "posts"}
    if alert:
        shown = {"title": message.title, "body": message.body}
        android["notification"] = shown | {"tag": message.tag}
        aps |= {"alert": shown, "mutable-content": 1, "sound": "default"}
    else:
        aps["content-available"] = 1
    content = {
        "token": token,
        "data": {
            "title": message.title,
            "body": message.body,
            "tag": message.tag,
            "post_id": str(message.post_id),
        },
        "android": android,
        "apns": {
            "headers": {
                "apns-expiration": str(int(message.expires_at.timestamp())),
                # Apple refuses 10 for a push that shows nothing.
                # https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
                "apns-priority": "10" if high and alert else "5",
                "apns-push-type": "alert" if alert else "background",
                "apns-collapse-id": message.tag,
            },
            "payload": {"aps": aps},
        },
        "webpush": {
            "headers": {
                "TTL": str(seconds),
                "Urgency": message.urgency(now) if high else "normal",
                "Topic": message.tag,
            }
        },
    }
    return json.dumps({"message": content}, ensure_ascii=False).encode()


def error_code(body: bytes) -> str | None:
    """FCM's own error code, or None. It tells an unregistered token from a project that does not
    exist; both are answered 404."""
    try:
        details = json.loads(body)["error"]["details"]
        return next((each["errorCode"] for each in details if "errorCode" in each), None)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
