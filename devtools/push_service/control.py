"""The service's control interface over HTTP: choose answers, read receipts and counts."""

import json

from aiohttp import web

from devtools.push_service.answers import Answer, AnswerBook
from devtools.push_service.conditions import Conditions
from devtools.push_service.oauth import TokenEndpoint
from devtools.push_service.receipts import ReceiptBook


class Control:
    """PUT and DELETE /control/{token}, PUT /conditions, GET and DELETE /receipts, GET
    /receipts/count and /topics/{topic}."""

    def __init__(self, receipts: ReceiptBook, answers: AnswerBook, tokens: TokenEndpoint):
        self.receipts = receipts
        self.answers = answers
        self.tokens = tokens

    async def choose(self, request: web.Request) -> web.Response:
        """The JSON body has the fields of Answer, e.g. {"how": 429, "retry_after": 5}."""
        try:
            answer = Answer(**json.loads(await request.read()))
        except (TypeError, ValueError) as error:
            return web.Response(status=400, text=str(error))
        self.answers.choose(request.match_info["token"], answer)
        return web.Response(status=204)

    async def forget(self, request: web.Request) -> web.Response:
        self.answers.forget(request.match_info["token"])
        return web.Response(status=204)

    async def condition(self, request: web.Request) -> web.Response:
        """The JSON body has the fields of Conditions, e.g. {"seconds": 0.15, "gone": 0.005}."""
        try:
            self.answers.conditions = Conditions(**json.loads(await request.read()))
        except (TypeError, ValueError) as error:
            return web.Response(status=400, text=str(error))
        return web.Response(status=204)

    async def count(self, request: web.Request) -> web.Response:
        """Counts of push `requests`, of `accepted` ones, and of calls for `bearer_tokens`."""
        return web.json_response(
            {
                "requests": len(self.receipts),
                "accepted": self.receipts.accepted,
                "bearer_tokens": self.tokens.requests,
            }
        )

    async def topic(self, request: web.Request) -> web.Response:
        """How many `devices` have accepted a message of the topic."""
        return web.json_response({"devices": self.receipts.devices(request.match_info["topic"])})

    async def list_receipts(self, request: web.Request) -> web.StreamResponse:
        """All receipts as JSON lines; ?after=N skips the first N."""
        after = request.query.get("after", "0")
        if not after.isdecimal():
            return web.Response(status=400, text="after is a number of receipts")
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        for lines in self.receipts.json_lines(int(after)):
            await response.write(lines)
        await response.write_eof()
        return response

    async def clear(self, request: web.Request) -> web.Response:
        self.receipts.clear()
        return web.Response(status=204)
