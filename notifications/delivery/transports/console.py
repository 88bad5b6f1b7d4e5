"""Writes pushes to the log, for development: the text that a device would show, without its
address."""

from datetime import datetime

import aiohttp
import structlog

from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.outcomes import Answer
from notifications.delivery.transports import Transport

log = structlog.get_logger(__name__)


class Console(Transport):
    def origin(self, push: Push) -> str:
        return "console"

    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        log.info("push", device=push.subscription_id, title=message.title, body=message.body)
        return Answer(200)
