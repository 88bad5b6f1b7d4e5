"""Repairing one post's fan-out by hand."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.management import bounds
from operations import repairing


class Command(BaseCommand):
    help = "Enqueues what is missing of one post's fan-out; harmless if nothing is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("post_id", type=bounds.whole(1, bounds.LARGEST_ID))

    def handle(self, post_id: int, **options: Any) -> None:
        try:
            found = repairing.repair(post_id)
        except repairing.NoSuchPostError as error:
            raise CommandError(str(error)) from error
        for app, count in found.items():
            self.stdout.write(f"{app}: {count} missing slices enqueued.")
