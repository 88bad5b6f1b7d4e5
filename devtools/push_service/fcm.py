"""FCM's HTTP v1 endpoint: POST /v1/projects/{project}/messages:send, with Google's errors.

Shapes: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
"""

import json
import time

from aiohttp import web

from devtools.push_service.answers import CREATED, Answer, AnswerBook
from devtools.push_service.oauth import TokenEndpoint
from devtools.push_service.receipts import FCM, Receipt, ReceiptBook
from devtools.push_service.replies import give

ERROR_TYPE = "type.googleapis.com/google.firebase.fcm.v1.FcmError"

# HTTP status: Google's canonical status, and FCM's error code (None if FCM was not reached).
ERRORS = {
    400: ("INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    401: ("UNAUTHENTICATED", None),
    403: ("PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    404: ("NOT_FOUND", "UNREGISTERED"),
    429: ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    500: ("INTERNAL", "INTERNAL"),
    503: ("UNAVAILABLE", "UNAVAILABLE"),
}
UNKNOWN_ERROR = ("UNKNOWN", "UNSPECIFIED_ERROR")


def message_token(body: bytes) -> str:
    """The registration token of a send request. Raises ValueError for a request that FCM would
    refuse."""
    envelope = json.loads(body)
    message = envelope.get("message") if isinstance(envelope, dict) else None
    if not isinstance(message, dict):
        raise ValueError("message is missing")
    token, data = message.get("token"), message.get("data", {})
    if not isinstance(token, str) or not token:
        raise ValueError("message.token is missing")
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise ValueError("message.data maps strings to strings")
    return token


class FcmEndpoint:
    """Receives FCM messages: checks the bearer token, records the request, and gives the chosen
    answer."""

    def __init__(self, receipts: ReceiptBook, answers: AnswerBook, tokens: TokenEndpoint):
        self.receipts = receipts
        self.answers = answers
        self.tokens = tokens

    async def send(self, request: web.Request) -> web.Response:
        body = await request.read()
        wall, monotonic = time.time(), time.monotonic()
        token, reason = "", ""
        try:
            token = message_token(body)
        except ValueError as error:
            answer, reason = Answer(400), str(error)
        if not self.tokens.accepts(request.headers.get("Authorization", "")):
            answer, reason = Answer(401), "Request had invalid authentication credentials."
        elif token:
            answer = self.answers.take(token)
        status = 200 if answer.status == CREATED else answer.status
        self.receipts.record(Receipt(FCM, token, wall, monotonic, status, None, None, None, body))
        project = request.match_info["project"]
        return await give(answer, request, lambda chosen: self.respond(chosen, project, reason))

    def respond(self, answer: Answer, project: str, reason: str) -> web.Response:
        if answer.status < 400:
            name = f"projects/{project}/messages/{len(self.receipts)}"
            status = 200 if answer.status in (0, CREATED) else answer.status
            return web.json_response({"name": name}, status=status, headers=answer.headers)
        canonical, code = ERRORS.get(answer.status, UNKNOWN_ERROR)
        error = {"code": answer.status, "message": reason or canonical, "status": canonical}
        if code:
            error["details"] = [{"@type": ERROR_TYPE, "errorCode": code}]
        return web.json_response({"error": error}, status=answer.status, headers=answer.headers)
