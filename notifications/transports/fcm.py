"""Firebase Cloud Messaging, HTTP v1: a device's registration token is its address.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

import json
from datetime import datetime
from pathlib import Path

import aiohttp
from django.conf import settings

from notifications.claims import Push
from notifications.messages import Message
from notifications.outcomes import Answer
from notifications.transports import Transport, UnavailableError
from notifications.transports.google_tokens import TokenSource

ANSWER_LIMIT = 16_384


class Fcm(Transport):
    def __init__(self) -> None:
        """Reads the key file of a service account, as Firebase's console hands it out."""
        key = json.loads(Path(settings.FCM_KEY_FILE).read_text())
        self._url = f"{settings.FCM_ORIGIN}/v1/projects/{key['project_id']}/messages:send"
        self._tokens = TokenSource(key)

    def origin(self, push: Push) -> str:
        return settings.FCM_ORIGIN

    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        token = await self._tokens.token(http, now=now)
        body = request_body(push.endpoint, message, now=now)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with http.post(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as response:
            said = await response.content.read(ANSWER_LIMIT)
            if response.status == 401:
                self._tokens.forget(token)
                raise UnavailableError("the access token was refused")
            gone = response.status == 404 and error_code(said) == "UNREGISTERED"
            return Answer(response.status, response.headers.get("Retry-After"), gone)


def request_body(token: str, message: Message, *, now: datetime) -> bytes:
    """A data message, which the app itself shows, with TTL, urgency and topic for each kind of
    device. Far below the 4,096 bytes that FCM takes, as a message is."""
    seconds = int((message.expires_at - now).total_seconds())
    data = {
        "title": message.title,
        "body": message.body,
        "tag": message.tag,
        "post_id": str(message.post_id),
    }
    content = {
        "message": {
            "token": token,
            "data": data,
            "android": {"ttl": f"{seconds}s", "priority": "NORMAL", "collapse_key": message.tag},
            "apns": {
                "headers": {
                    "apns-expiration": str(int(message.expires_at.timestamp())),
                    "apns-priority": "5",
                    "apns-collapse-id": message.tag,
                }
            },
            "webpush": {
                "headers": {"TTL": str(seconds), "Urgency": "normal", "Topic": message.tag}
            },
        }
    }
    return json.dumps(content, ensure_ascii=False).encode()


def error_code(body: bytes) -> str | None:
    """FCM's own code of an error, by which a token that is gone differs from a project that is."""
    try:
        details = json.loads(body)["error"]["details"]
        return next((each["errorCode"] for each in details if "errorCode" in each), None)
    except (ValueError, KeyError, TypeError):
        return None
