"""Pausing a subscriber from the command line."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from events import pausing
from events.management import bounds
from events.registry import subscribers


class Command(BaseCommand):
    help = "Pauses a subscriber: its events wait in its queue, and nothing is lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subscriber", choices=sorted(subscribers))
        parser.add_argument(
            "--minutes",
            type=bounds.whole(1, pausing.LONGEST_MINUTES),
            help=f"end the pause after so many minutes, at most {pausing.LONGEST_MINUTES:,};"
            " without this, it lasts until manage.py resume",
        )

    def handle(self, subscriber: str, minutes: int | None, **options: Any) -> None:
        lasting = timedelta(minutes=minutes) if minutes else None
        pausing.pause(subscriber, lasting=lasting, now=timezone.now())
        until = f"for {minutes} minutes" if minutes else f"until manage.py resume {subscriber}"
        self.stdout.write(f"{subscriber} is paused {until}.")
