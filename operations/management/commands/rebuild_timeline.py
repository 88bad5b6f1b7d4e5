"""Rebuilding one timeline by hand."""

from django.core.management.base import BaseCommand, CommandError

from events.management import bounds
from operations import repairing


class Command(BaseCommand):
    help = "Has what is missing of a user's timeline filled in; harmless when nothing is."

    def add_arguments(self, parser) -> None:
        parser.add_argument("user_id", type=bounds.whole(1, bounds.LARGEST_ID))

    def handle(self, user_id: int, **options) -> None:
        try:
            self.stdout.write(repairing.rebuild(user_id))
        except repairing.NoSuchUserError as error:
            raise CommandError(str(error)) from error
