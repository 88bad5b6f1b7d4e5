"""Rebuilding one timeline by hand."""

from django.core.management.base import BaseCommand

from events.management import bounds
from timelines.tasks import rebuild_timeline


class Command(BaseCommand):
    help = "Has what is missing of a user's timeline filled in; harmless when nothing is."

    def add_arguments(self, parser) -> None:
        parser.add_argument("user_id", type=bounds.whole(1, bounds.LARGEST_ID))

    def handle(self, user_id: int, **options) -> None:
        rebuild_timeline.enqueue(owner_id=user_id)
        self.stdout.write(f"The timeline of user {user_id} is being filled in.")
