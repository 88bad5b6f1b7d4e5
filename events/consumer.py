"""A consumer of one queue: takes what has been delivered, hands it over as one batch, acknowledges.

Guarantee: a message is acknowledged only after the handover returned; at most one batch is held;
nothing is requeued, and a batch that cannot be worked on now is tried again in place. It publishes
nothing on its own connection: waiting for a confirm would dispatch further deliveries into it.
"""

from collections.abc import Callable, Sequence

import structlog
from kombu import Connection, Consumer, Message, Queue

from events import topology
from events.backoff import full_jitter
from events.errors import PASSING
from events.stopping import Stop

HEARTBEAT_SECONDS = 30
IDLE_SECONDS = 1.0
RECONNECT_CAP_SECONDS = 3.0
RETRY_CAP_SECONDS = 10.0

log = structlog.get_logger(__name__)

# Raises an error of PASSING to be called again with the same messages; returns when each of them
# may be acknowledged.
Handover = Callable[[Sequence[Message]], None]


class BatchConsumer:
    """Consumes `queue` from the broker at `url` in batches of at most `batch` messages; takes none
    while `hold` answers True, which is asked between batches."""

    def __init__(
        self,
        url: str,
        queue: Queue,
        batch: int,
        handover: Handover,
        stop: Stop,
        hold: Callable[[], bool] = lambda: False,
    ):
        self._url = url
        self._queue = queue
        self._batch = batch
        self._handover = handover
        self._stop = stop
        self._hold = hold
        self._delivered: list[Message] = []

    def run(self) -> None:
        """Consume until a stop is requested, connecting again for as long as it takes."""
        failures = 0
        while not self._stop.requested:
            try:
                with Connection(
                    self._url, heartbeat=HEARTBEAT_SECONDS, connect_timeout=5.0
                ) as connection:
                    connection.connect()
                    failures = 0
                    self._consume(connection)
            except (*PASSING, *connection.connection_errors, *connection.channel_errors) as error:
                failures += 1
                log.warning("consumer reconnects", queue=self._queue.name, error=str(error))
                self._stop.wait(full_jitter(failures, cap=RECONNECT_CAP_SECONDS))

    def _consume(self, connection: Connection) -> None:
        topology.declare(connection)
        self._delivered = []
        channel = connection.channel()
        channel.auto_decode = False  # Bodies are hashed and kept as they came.
        consumer = Consumer(
            channel,
            queues=[self._queue],
            on_message=self._delivered.append,
            prefetch_count=self._batch,
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
            # What came before the broker heard of it; given back, it would be charged for that.
            if self._delivered and not self._stop.requested:
                self._work(connection)

    def _take(self, connection: Connection) -> None:
        """Wait for a batch and work it off: one event that waits at once, more only if they are
        here already."""
        self._drain(connection, IDLE_SECONDS)
        if self._delivered:
            while len(self._delivered) < self._batch and self._drain(connection, 0.001):
                pass
            self._work(connection)

    def _work(self, connection: Connection) -> None:
        batch, self._delivered[:] = self._delivered[:], []
        attempt = 0
        while True:
            try:
                self._handover(batch)
                break
            except PASSING as error:
                attempt += 1
                log.warning(
                    "batch waits", queue=self._queue.name, attempt=attempt, error=str(error)
                )
            if self._stop.requested:
                return  # Unacknowledged: the broker hands the batch to another consumer.
            self._idle(connection, full_jitter(attempt, cap=RETRY_CAP_SECONDS))
        # One word for all up to the last: each of them is of this batch, or was parked and has been
        # acknowledged by itself.
        if waiting := [message for message in batch if not message.acknowledged]:
            waiting[-1].ack(multiple=True)

    def _idle(self, connection: Connection, seconds: float) -> None:
        """Wait, answering the broker's heartbeats meanwhile; prefetch is full, so nothing comes."""
        rounds, rest = divmod(seconds, IDLE_SECONDS)
        for _ in range(int(rounds)):
            self._drain(connection, IDLE_SECONDS)
        self._stop.wait(rest)

    def _drain(self, connection: Connection, seconds: float) -> bool:
        """Take one delivery; False where none came within `seconds`."""
        try:
            connection.drain_events(timeout=seconds)
            return True
        except TimeoutError:
            connection.heartbeat_check()
            return False
