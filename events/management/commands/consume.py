"""The consumer processes."""

from collections.abc import Callable
from threading import Thread
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from events import filing, metrics, waiting
from events.backpressure import BacklogHold
from events.consumer import BatchConsumer
from events.introduction import introduce_when_ready
from events.pausing import PauseHold
from events.probing import SubscriberProbe
from events.processes import DEAD_LETTERS
from events.processing import Processor
from events.publisher import Publisher
from events.registry import Subscriber, subscribers
from events.stopping import Stop
from events.topology import DEAD_QUEUE, event_queue


class Command(BaseCommand):
    help = "Consumes the events of one subscriber, or the dead letters. Run one or more of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscriber", choices=[*sorted(subscribers), DEAD_LETTERS])

    def handle(self, subscriber: str, **options: Any) -> None:
        stop = Stop.on_signals()
        metrics.serve()
        introduce_when_ready(stop)
        if subscriber == DEAD_LETTERS:
            # LetterFiler needs to know all tasks.
            current_app.loader.import_default_modules()
            filer = filing.LetterFiler(timezone.now)
            BatchConsumer(settings.BROKER_URL, DEAD_QUEUE, filing.BATCH, filer, stop).run()
        else:
            _consume(subscribers[subscriber], stop)


def _consume(subscriber: Subscriber, stop: Stop) -> None:
    """Process events as they arrive and, in another thread, retry the events set aside."""
    url = settings.BROKER_URL
    publisher, probe = _probe(subscriber)
    retrying = Thread(target=_retry, args=(subscriber, stop), daemon=True)
    retrying.start()
    processor = Processor(subscriber, probe, timezone.now)
    BatchConsumer(
        url, event_queue(subscriber.queue), subscriber.batch, processor, stop, _hold(subscriber)
    ).run()
    publisher.close()
    # An attempt that takes longer is rolled back, and another process retries it.
    retrying.join(5)


def _retry(subscriber: Subscriber, stop: Stop) -> None:
    # Connections to the broker must not be shared between threads.
    publisher, probe = _probe(subscriber)
    waiting.work(waiting.Retrier(subscriber, probe, timezone.now), _hold(subscriber), stop)
    publisher.close()


def _probe(subscriber: Subscriber) -> tuple[Publisher, SubscriberProbe]:
    publisher = Publisher(settings.BROKER_URL)
    return publisher, SubscriberProbe(subscriber.name, publisher)


def _hold(subscriber: Subscriber) -> Callable[[], bool]:
    paused = PauseHold(subscriber.name)
    full = BacklogHold(subscriber.name, settings.BROKER_URL, subscriber.lane_limits)
    return lambda: paused() or full()
