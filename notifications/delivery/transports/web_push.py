"""Web Push (RFC 8030): encrypts a push for the device and sends it to its browser's push
service."""

from datetime import datetime

import aiohttp
from django.conf import settings

from notifications.delivery import webpush
from notifications.delivery.claims import Push
from notifications.delivery.connections import Connections
from notifications.delivery.messages import Message
from notifications.delivery.outcomes import GONE_STATUSES, Answer
from notifications.delivery.transports import Transport, UnusableError
from notifications.endpoints import check_endpoint


class WebPush(Transport):
    def __init__(self) -> None:
        self._signer = webpush.Signer(settings.VAPID_PRIVATE_KEY, settings.VAPID_SUBJECT)
        self._connections = Connections()

    def origin(self, push: Push) -> str:
        check_endpoint(push.endpoint)
        return webpush.origin(push.endpoint)

    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        try:
            body = webpush.encrypt(message.encoded, push.p256dh, push.auth)
        # The libraries raise various errors for invalid keys.
        except Exception as error:
            raise UnusableError("the device's keys cannot be used") from error
        headers = webpush.headers(
            topic=message.tag,
            urgency=message.urgency(now),
            ttl=max(0, int((message.expires_at - now).total_seconds())),
            authorization=self._signer.authorization(push.endpoint),
        )
        status, answered = await self._connections.post(push.endpoint, headers, body)
        return Answer(status, answered.get("retry-after"), status in GONE_STATUSES)

    def close(self) -> None:
        self._connections.close()
