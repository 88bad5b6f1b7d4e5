"""The Web Push endpoint: POST /push/{token}, as RFC 8030 and RFC 8291 describe it."""

import asyncio
import re
import time
from collections.abc import Mapping

from aiohttp import web

from devtools.push_service.answers import CREATED, NORMAL, Answer, AnswerBook
from devtools.push_service.conditions import THROTTLED
from devtools.push_service.receipts import WEB_PUSH, Receipt, ReceiptBook
from devtools.push_service.replies import give
from devtools.push_service.vapid import VapidError, VapidGate

# RFC 8030, section 7.2: a service must accept 4,096 bytes. Those of Mozilla, Apple and Google
# accept no more (autopush-rs `autoendpoint/src/headers`, "Message too large" 413; Apple
# PayloadTooLarge 413).
BODY_LIMIT = 4096
# RFC 8030, section 5.3; Apple: 400 BadUrgency (developer.apple.com, "Sending web push notifications
# in web apps and browsers").
URGENCIES = {None, "very-low", "low", "normal", "high"}
# RFC 8030, section 5.2: a number of seconds, which every request must have. Google refuses more
# than four weeks ("TTL must be ... between 0 and 2,419,200 seconds", firebase.google.com,
# "Set the lifespan of a message"); Apple and Mozilla shorten it.
TTL = re.compile(r"[0-9]{1,10}")
LONGEST_TTL = 28 * 24 * 3600
# RFC 8030, section 5.4. Apple's further rules are in check_message().
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Refused(Exception):
    """The request breaks a rule of the protocol."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def check_message(headers: Mapping[str, str], body: bytes) -> None:
    """Raises Refused for a message that RFC 8030 or RFC 8291 forbids, or that Apple, Mozilla or
    Google refuse."""
    ttl = headers.get("TTL", "")
    if not TTL.fullmatch(ttl) or int(ttl) > LONGEST_TTL:
        raise Refused(400, f"TTL is not a number of seconds up to {LONGEST_TTL}")
    if headers.get("Urgency") not in URGENCIES:
        raise Refused(400, "Urgency is none of very-low, low, normal, high")
    # Apple decodes the topic and answers BadWebPushTopic if it is not base64url. That includes a
    # length of 1 modulo 4, which base64 never has. Seen on web.push.apple.com with one character
    # more or less: https://github.com/AltanS/collie/pull/90. Google and Mozilla accept any 32
    # characters.
    topic = headers.get("Topic", "none")
    if not TOPIC.fullmatch(topic) or len(topic) % 4 == 1:
        raise Refused(400, "Topic is not up to 32 characters of base64url")
    # RFC 8291, section 4: no other encoding is allowed.
    if headers.get("Content-Encoding") != "aes128gcm":
        raise Refused(415, "Content-Encoding is not aes128gcm")
    if len(body) > BODY_LIMIT:
        raise Refused(413, f"the body is longer than {BODY_LIMIT} bytes")


class WebPushEndpoint:
    """Receives pushes: checks the request, records it, and gives the chosen answer."""

    def __init__(self, receipts: ReceiptBook, answers: AnswerBook, gate: VapidGate):
        self.receipts = receipts
        self.answers = answers
        self.gate = gate

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        wall, monotonic = time.time(), time.monotonic()
        headers = request.headers
        token = request.match_info["token"]
        reason, delay = None, 0.0
        try:
            check_message(headers, body)
            self.gate.check(headers.get("Authorization"), f"{request.scheme}://{request.host}")
            answer = self.answers.take(token)
            if answer is NORMAL:
                delay = self.answers.conditions.latency()
                status = self.answers.conditions.status()
                if status:
                    answer = Answer(status, retry_after=1 if status == THROTTLED else None)
        except (Refused, VapidError) as error:
            answer, reason = Answer(error.status), str(error)
        self.receipts.record(
            Receipt(
                WEB_PUSH,
                token,
                wall,
                monotonic,
                answer.status,
                headers.get("TTL"),
                headers.get("Urgency"),
                headers.get("Topic"),
                body,
            )
        )
        if delay:
            await asyncio.sleep(delay)
        return await give(answer, request, lambda chosen: self.respond(chosen, reason))

    def respond(self, answer: Answer, reason: str | None) -> web.Response:
        headers = answer.headers
        if answer.status == CREATED:
            headers.setdefault("Location", f"/message/{len(self.receipts)}")
        return web.Response(status=answer.status or CREATED, headers=headers, text=reason)
