"""A consumer of one queue: collects deliveries into a batch, hands it over and acknowledges it.

Guarantee: a message is acknowledged only after the handover has returned. The consumer holds at
most one batch and requeues nothing: a batch that fails is retried in place until it succeeds or the
broker closes the connection. No message can end the process. The consumer does not publish on its
own connection, because waiting for a confirm there would dispatch further deliveries.
"""

from collections.abc import Callable, Sequence

import kombu
import structlog
from kombu import Connection, Consumer, Queue

from events import heartbeats, links, topology
from events.backoff import full_jitter
from events.errors import END, passing, verdict
from events.heartbeats import Heartbeats
from events.stopping import Stop
from events.wire import Message

IDLE_SECONDS = 1.0
RECONNECT_CAP_SECONDS = 3.0
RETRY_CAP_SECONDS = 10.0
# A batch is full when its bodies reach this many bytes. Further deliveries stay in the socket.
BATCH_BYTES = 32 * 1024 * 1024

log = structlog.get_logger(__name__)

# Returns when every message may be acknowledged. Raises an error to be called again with the same
# messages; it has then acknowledged those that it has finished.
Handover = Callable[[Sequence[Message]], None]


class BatchConsumer:
    """Consumes `queue` from the broker at `url` in batches of at most `batch` messages. Calls
    `hold` between batches and takes no messages while it returns True."""

    def __init__(
        self,
        url: str,
        queue: Queue,
        batch: int,
        handover: Handover,
        stop: Stop,
        hold: Callable[[], bool] = lambda: False,
        heartbeat: int = heartbeats.SECONDS,
    ):
        self._url = url
        self._queue = queue
        self._batch = batch
        self._handover = handover
        self._stop = stop
        self._hold = hold
        self._heartbeat = heartbeat
        self._delivered: list[Message] = []

    def run(self) -> None:
        """Consume until a stop is requested; reconnect as often as needed. Raises an error whose
        errors.verdict() is END."""
        failures = 0
        prefetch = self._batch
        while not self._stop.requested:
            try:
                with links.connect(self._url, heartbeat=self._heartbeat) as connection:
                    connection.connect()
                    failures = 0
                    with Heartbeats(connection) as self._beats:
                        self._consume(connection, prefetch)
            except Exception as error:
                if verdict(error) is END:
                    raise
                failures += 1
                # The broker counts a delivery for every message that this connection held. If one
                # message caused the error, fetch it alone next time, so that only it is counted.
                prefetch = self._batch if passing(error) else 1
                log.warning(
                    "consumer reconnects",
                    queue=self._queue.name,
                    error=str(error),
                    exc_info=not passing(error),
                )
                self._stop.wait(full_jitter(failures, cap=RECONNECT_CAP_SECONDS))

    def _consume(self, connection: Connection, prefetch: int) -> None:
        topology.declare(connection)
        self._delivered = []
        consumer = Consumer(
            connection.channel(),
            queues=[self._queue],
            on_message=self._deliver,
            prefetch_count=prefetch,
            auto_declare=False,
        )
        log.info("consumer started", queue=self._queue.name)
        while not self._stop.requested:
            if self._hold():
                self._idle(connection, IDLE_SECONDS)
                continue
            with consumer:
                while not (self._stop.requested or self._hold()):
                    self._take(connection)
            # These were delivered after we cancelled but before the broker noticed. Requeueing them
            # would count against their delivery limit, so process them.
            if self._delivered and not self._stop.requested:
                self._work(connection)

    def _deliver(self, message: kombu.Message) -> None:
        assert isinstance(message, Message)  # Of our transport.
        self._delivered.append(message)

    def _take(self, connection: Connection) -> None:
        """Wait for one message, add those that have already arrived, and process the batch."""
        self._drain(connection, IDLE_SECONDS)
        if self._delivered:
            while self._has_room() and self._drain(connection, 0.001):
                pass
            self._work(connection)

    def _has_room(self) -> bool:
        size = sum(len(message.body) for message in self._delivered)
        return len(self._delivered) < self._batch and size < BATCH_BYTES

    def _work(self, connection: Connection) -> None:
        batch, self._delivered[:] = self._delivered[:], []
        attempt = 0
        while True:
            try:
                with self._beats.lent():
                    self._handover(batch)
                break
            except Exception as error:
                if verdict(error) is END:
                    raise
                attempt += 1
                log.warning(
                    "batch waits",
                    queue=self._queue.name,
                    attempt=attempt,
                    error=str(error),
                    exc_info=not passing(error),
                )
            if self._stop.requested:
                return  # Unacknowledged: the broker hands the batch to another consumer.
            self._idle(connection, full_jitter(attempt, cap=RETRY_CAP_SECONDS))
        # One acknowledgement covers all messages up to the last one. They all belong to this batch
        # or were acknowledged before.
        if waiting := [message for message in batch if not message.acknowledged]:
            waiting[-1].ack(multiple=True)

    def _idle(self, connection: Connection, seconds: float) -> None:
        """Wait, and keep answering the broker's heartbeats. Raises an error if the broker has
        closed the connection or the channel, because the messages then no longer belong to us."""
        rounds, remainder = divmod(seconds, IDLE_SECONDS)
        for _ in range(int(rounds)):
            self._drain(connection, IDLE_SECONDS)
        self._stop.wait(remainder)
        self._drain(connection, 0.001)

    def _drain(self, connection: Connection, seconds: float) -> bool:
        """Receive one delivery; return False if none arrives within `seconds`."""
        try:
            connection.drain_events(timeout=seconds)
            return True
        except TimeoutError:
            connection.heartbeat_check()
            return False
