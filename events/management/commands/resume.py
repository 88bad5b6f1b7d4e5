"""Resuming a paused subscriber from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from events import pausing
from events.registry import subscribers


class Command(BaseCommand):
    help = "Ends a subscriber's pause."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscriber", choices=sorted(subscribers))

    def handle(self, subscriber: str, **options: Any) -> None:
        pausing.resume(subscriber)
        self.stdout.write(f"{subscriber} is not paused.")
