"""Changes to Celery's worker where it would lose a message, crash on it, or stop under an alarm.

Guarantee: a message that a worker cannot decode becomes a dead letter, and the worker goes on.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import kombu
import structlog
from celery.signals import worker_ready
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection

from events import metrics, topology
from events.refusal import admit
from events.refuser import Refuser
from events.routing import lane_of
from events.wire import Message

# Between two attempts to connect. Celery's own wait grows by 2 s per attempt, so that after an
# outage the worker would come back long after the broker.
RECONNECT_SECONDS = 2

log = structlog.get_logger(__name__)


@worker_ready.connect
def serve_metrics(**_: object) -> None:
    """Serve metrics from the main process, once its children are forked: they must not inherit the
    thread."""
    metrics.serve()


class SafeConsumer(Consumer):
    """The consumer that Celery's `worker_consumer` setting names."""

    # Celery sets these; the stubs lack them.
    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]
    task_consumer: kombu.Consumer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refuser = Refuser(partial(self.call_soon, self._acknowledge))

    def connect(self) -> Connection:
        """Connect, and declare all lanes, not only this worker's: Celery binds every lane to its
        delayed delivery, and disables that if a lane is missing."""
        connection = super().connect()
        topology.declare(connection, self.app.amqp.queues.values())
        return connection

    def ensure_connected(self, connection: Connection) -> Connection:
        """Retry until the connection succeeds, without a limit."""

        def note(error: Exception, seconds: float) -> None:
            log.warning("worker reconnects", error=str(error), seconds=seconds)

        connection.ensure_connection(
            note,
            interval_start=RECONNECT_SECONDS,
            interval_max=RECONNECT_SECONDS,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return connection

    def on_decode_error(self, message: Message, exc: Exception) -> None:
        # Celery would acknowledge the message, which would then be lost.
        self._refuse(message, exc)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Message], Any]:
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Message) -> Any:
            try:
                admit(message)
                return handle(message)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:
                # The error would end the worker, and then every other worker that gets the message.
                if not message.acknowledged:
                    self._refuse(message, error)

        return on_task_received

    def _refuse(self, message: Message, error: Exception) -> None:
        lane = self._lane(message)
        log.error("message refused", lane=lane, error=str(error), exc_info=error)
        self._refuser.refuse(lane, message, error)

    def _lane(self, message: Message) -> str:
        """Return the lane that the broker delivered the message from. Its routing key does not
        always say so: somebody may have bound the lane to an exchange of their own."""
        tag = message.delivery_info["consumer_tag"]
        tags: dict[str, str] = self.task_consumer._active_tags  # type: ignore[attr-defined]  # Private.
        consumed = {own: name for name, own in tags.items()}
        # A lane that this worker has just stopped consuming has no tag any more.
        return consumed.get(tag) or lane_of(message.delivery_info) or "unknown"

    def _acknowledge(self, message: Message) -> None:
        if message.connected:
            message.ack_log_error(log, self.connection_errors)

    def connection_for_write(
        self, url: str | None = None, heartbeat: float | None = None
    ) -> Connection:
        """Return the connection for the worker's monitoring events, without confirms. During a
        memory alarm, waiting for a confirm would stop the main loop, and a backlog that caused the
        alarm could never drain.
        """
        connection = self.app.connection_for_write(url=url, heartbeat=heartbeat)
        options = connection.transport_options or {}
        connection.transport_options = options | {"confirm_publish": False}
        return self.ensure_connected(connection)
