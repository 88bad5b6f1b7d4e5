"""The consumer processes."""

from threading import Thread

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from events import filing, metrics, waiting
from events.backpressure import BacklogSign
from events.consumer import BatchConsumer
from events.introduction import introduce_patiently
from events.pausing import PauseSign
from events.probing import SubscriberProbe
from events.processes import DEAD_LETTERS
from events.processing import Processor
from events.publisher import Publisher
from events.registry import Subscriber, subscribers
from events.stopping import Stop
from events.topology import DEAD_QUEUE, event_queue


class Command(BaseCommand):
    help = "Consumes the events of one subscriber, or the dead letters. Run one or more of each."

    def add_arguments(self, parser) -> None:
        parser.add_argument("subscriber", choices=[*sorted(subscribers), DEAD_LETTERS])

    def handle(self, subscriber: str, **options) -> None:
        stop = Stop.on_signals()
        metrics.serve()
        introduce_patiently(stop)
        if subscriber == DEAD_LETTERS:
            # Whether a task is known decides about the reason of its letter.
            current_app.loader.import_default_modules()
            filer = filing.LetterFiler(timezone.now)
            BatchConsumer(settings.BROKER_URL, DEAD_QUEUE, filing.BATCH, filer, stop).run()
        else:
            _consume(subscribers[subscriber], stop)


def _consume(subscriber: Subscriber, stop: Stop) -> None:
    """Events as they come; and in a thread of its own each event that is set aside."""
    url = settings.BROKER_URL
    publisher, probe = _probe(subscriber)
    retrying = Thread(target=_retry, args=(subscriber, stop), daemon=True)
    retrying.start()
    processor = Processor(subscriber, probe, timezone.now)
    BatchConsumer(
        url, event_queue(subscriber.queue), subscriber.batch, processor, stop, _hold(subscriber)
    ).run()
    publisher.close()
    # One that takes longer is undone, and tried again by another process.
    retrying.join(5)


def _retry(subscriber: Subscriber, stop: Stop) -> None:
    # The broker's connections are one thread's alone.
    publisher, probe = _probe(subscriber)
    waiting.work(waiting.Retrier(subscriber, probe, timezone.now), _hold(subscriber), stop)
    publisher.close()


def _probe(subscriber: Subscriber) -> tuple[Publisher, SubscriberProbe]:
    publisher = Publisher(settings.BROKER_URL)
    return publisher, SubscriberProbe(subscriber.name, publisher)


def _hold(subscriber: Subscriber):
    paused = PauseSign(subscriber.name)
    full = BacklogSign(subscriber.name, settings.BROKER_URL, subscriber.lane_limits)
    return lambda: paused() or full()
