"""The whole push service, on loopback only: its addresses, its start and its stop."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from aiohttp import web

from devtools.push_service.answers import Answer, AnswerBook
from devtools.push_service.control import Control
from devtools.push_service.fcm import FcmEndpoint
from devtools.push_service.oauth import TokenEndpoint
from devtools.push_service.receipts import ReceiptBook
from devtools.push_service.vapid import VapidGate
from devtools.push_service.web_push import WebPushEndpoint

LOOPBACK = "127.0.0.1"

# When the service stops, requests that hang are ended after this many seconds.
STOP_SECONDS = 0.2


class PushService:
    """Web Push and FCM over real HTTP. Records what arrives and answers as chosen.

    `application_server_key` (unpadded base64url), if given, is the only VAPID key that is accepted;
    `fcm_key` (PEM) is the public key of the service account that may request bearer tokens.
    """

    def __init__(self, *, application_server_key: str | None = None, fcm_key: bytes | None = None):
        self.receipts = ReceiptBook()
        self.answers = AnswerBook()
        self.tokens = TokenEndpoint(self.answers, fcm_key)
        self.gate = VapidGate(application_server_key)
        self.port: int | None = None
        self.runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def answer(self, token: str, how: int | str, **details) -> None:
        """Choose the answer for a token (`*`: all tokens, `oauth`: the token endpoint); see
        Answer."""
        self.answers.choose(token, Answer(how, **details))

    def application(self) -> web.Application:
        control = Control(self.receipts, self.answers, self.tokens)
        pushes = WebPushEndpoint(self.receipts, self.answers, self.gate)
        messages = FcmEndpoint(self.receipts, self.answers, self.tokens)
        application = web.Application()
        application.add_routes(
            [
                web.post("/push/{token}", pushes.receive),
                web.post("/v1/projects/{project}/messages:send", messages.send),
                web.post("/token", self.tokens.issue),
                web.put("/control/{token}", control.choose),
                web.delete("/control/{token}", control.forget),
                web.put("/conditions", control.condition),
                web.get("/receipts", control.list_receipts),
                web.delete("/receipts", control.clear),
                web.get("/receipts/count", control.count),
                web.get("/topics/{topic}", control.topic),
            ]
        )
        return application

    async def start(self, port: int = 0) -> None:
        """Listen on loopback. Port 0 takes a free port; `port` and `origin` then tell which."""
        self.runner = web.AppRunner(
            self.application(),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=STOP_SECONDS,
        )
        await self.runner.setup()
        await web.TCPSite(self.runner, LOOPBACK, port, backlog=1024).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        await self.runner.cleanup()


@contextlib.contextmanager
def running_push_service(port: int = 0, **options) -> Iterator[PushService]:
    """Run a PushService in a separate thread, for tests that are not coroutines."""
    service = PushService(**options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="push-service", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(service.start(port), loop).result()
        try:
            yield service
        finally:
            asyncio.run_coroutine_threadsafe(service.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
