"""Web Push (RFC 8030): encrypted for the device, and handed to the push service of its browser."""

from datetime import datetime

import aiohttp
from django.conf import settings

from notifications import webpush
from notifications.claims import Push
from notifications.endpoints import check_endpoint
from notifications.messages import Message
from notifications.outcomes import GONE_STATUSES, Answer
from notifications.transports import Transport, UnusableError

ANSWER_LIMIT = 4_096


class WebPush(Transport):
    def __init__(self) -> None:
        self._signer = webpush.Signer(settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)

    def origin(self, push: Push) -> str:
        check_endpoint(push.endpoint)
        return webpush.origin(push.endpoint)

    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        try:
            body = webpush.encrypt(message.encoded, push.p256dh, push.auth)
        # Whatever the libraries make of keys that are none.
        except Exception as error:
            raise UnusableError("the device's keys cannot be used") from error
        headers = webpush.headers(
            topic=message.tag,
            urgency=message.urgency(now),
            ttl=int((message.expires_at - now).total_seconds()),
            authorization=self._signer.authorization(push.endpoint),
        )
        async with http.post(
            push.endpoint, data=body, headers=headers, allow_redirects=False
        ) as response:
            await response.content.read(ANSWER_LIMIT)
            status = response.status
            return Answer(status, response.headers.get("Retry-After"), status in GONE_STATUSES)
