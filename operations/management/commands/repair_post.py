"""Repairing one post's fan-out by hand."""

from django.core.management.base import BaseCommand, CommandError

from operations import repairing
from operations.arguments import row_id


class Command(BaseCommand):
    help = "Enqueues what is missing of one post's fan-out; harmless when nothing is."

    def add_arguments(self, parser) -> None:
        parser.add_argument("post_id", type=row_id)

    def handle(self, post_id: int, **options) -> None:
        try:
            found = repairing.repair(post_id)
        except repairing.NoSuchPostError as error:
            raise CommandError(str(error)) from error
        for app, count in found.items():
            self.stdout.write(f"{app}: {count} missing slices enqueued.")
