"""Celery's worker, made safe where it would lose a message, die of it, or stop under an alarm.

Guarantee: what a worker cannot decode goes to the dead letters, and the worker goes on.
"""

from functools import partial

import structlog
from celery.signals import worker_ready
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Message

from events import metrics, topology
from events.refusal import admit
from events.refuser import Refuser

# Between two tries to connect. Celery waits 2 s longer after each, and so would come back long
# after the broker did.
RECONNECT_SECONDS = 2.0

log = structlog.get_logger(__name__)


@worker_ready.connect
def serve_metrics(**_) -> None:
    """In the main process and after its children were forked, who shall not inherit a thread."""
    metrics.serve()


class SafeConsumer(Consumer):
    """Named by the `worker_consumer` setting."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._refuser = Refuser(partial(self.call_soon, self._acknowledge))

    def connect(self):
        """Declares all lanes, not only this worker's: Celery binds each of them to its delayed
        delivery, and gives that up where one is missing."""
        connection = super().connect()
        topology.declare(connection, self.app.amqp.queues.values())
        return connection

    def ensure_connected(self, connection):
        """Connects, however long that takes."""

        def note(error, seconds) -> None:
            log.warning("worker reconnects", error=str(error), seconds=seconds)

        connection.ensure_connection(
            note,
            interval_start=RECONNECT_SECONDS,
            interval_max=RECONNECT_SECONDS,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return connection

    def on_decode_error(self, message, exc) -> None:
        # Celery would acknowledge, and the message would be gone.
        self._refuse(message, exc)

    def create_task_handler(self, *args, **kwargs):
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message):
            try:
                admit(message)
                return handle(message)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:
                # It would end the worker, and then each next one that is given the message.
                if not message.acknowledged:
                    self._refuse(message, error)

        return on_task_received

    def _refuse(self, message: Message, error: Exception) -> None:
        log.error("message refused", error=str(error), exc_info=error)
        self._refuser.refuse(message, error)

    def _acknowledge(self, message: Message) -> None:
        if message.channel.connection:
            message.ack_log_error(log, self.connection_errors)

    def connection_for_write(self, url=None, heartbeat=None):
        """The connection of the worker's own events, without confirms: under a memory alarm the
        wait for one would stop the main loop, and a backlog could never drain out of the alarm.
        """
        connection = self.app.connection_for_write(url=url, heartbeat=heartbeat)
        connection.transport_options = connection.transport_options | {"confirm_publish": False}
        return self.ensure_connected(connection)
