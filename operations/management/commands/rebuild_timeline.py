"""Rebuilding the timeline of one user by hand."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.management import bounds
from operations import repairing


class Command(BaseCommand):
    help = "Fills in what is missing in a user's timeline; harmless if nothing is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_id", type=bounds.whole(1, bounds.LARGEST_ID))

    def handle(self, user_id: int, **options: Any) -> None:
        try:
            self.stdout.write(repairing.rebuild(user_id))
        except repairing.NoSuchUserError as error:
            raise CommandError(str(error)) from error
