"""The consumer processes."""

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from events import letters, metrics
from events.backpressure import BacklogSign
from events.consumer import BatchConsumer
from events.introduction import introduce_patiently
from events.parking import Parking
from events.pausing import PauseSign
from events.processing import Processor
from events.publisher import Publisher
from events.registry import subscribers
from events.stopping import Stop
from events.topology import DEAD_QUEUE, event_queue

DEAD_LETTERS = "dead_letters"


class Command(BaseCommand):
    help = "Consumes the events of one subscriber, or the dead letters. Run one or more of each."

    def add_arguments(self, parser) -> None:
        parser.add_argument("subscriber", choices=[*sorted(subscribers), DEAD_LETTERS])

    def handle(self, subscriber: str, **options) -> None:
        stop = Stop.on_signals()
        metrics.serve()
        introduce_patiently(stop)
        url = settings.BROKER_URL
        if subscriber == DEAD_LETTERS:
            filer = letters.LetterFiler(timezone.now)
            BatchConsumer(url, DEAD_QUEUE, letters.BATCH, filer, stop).run()
            return
        chosen = subscribers[subscriber]
        publisher = Publisher(url)
        processor = Processor(chosen, Parking(chosen.queue, publisher), timezone.now)
        paused = PauseSign(chosen.name)
        full = BacklogSign(chosen.name, url, chosen.lane_limits)
        BatchConsumer(
            url,
            event_queue(chosen.queue),
            chosen.batch,
            processor,
            stop,
            lambda: paused() or full(),
        ).run()
        publisher.close()
