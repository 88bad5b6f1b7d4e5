"""Resuming a paused subscriber from the command line."""

from django.core.management.base import BaseCommand

from events import pausing
from events.registry import subscribers


class Command(BaseCommand):
    help = "Ends a subscriber's pause."

    def add_arguments(self, parser) -> None:
        parser.add_argument("subscriber", choices=sorted(subscribers))

    def handle(self, subscriber: str, **options) -> None:
        pausing.resume(subscriber)
        self.stdout.write(f"{subscriber} is not paused.")
