"""Creating the RabbitMQ users of Connectify's processes and of Flower, each with what it needs.

Guarantee: Flower's user sees queues, workers and their events, and can neither read a message of a
queue of ours nor publish a task. Only the user in BROKER_MANAGEMENT_URL administers the broker.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations import management_api

EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}
# What Flower uses: the workers' events, questions to all workers, and its queue for the answers.
WATCHING = dict.fromkeys(
    EVERYTHING, r"^(celeryev(\..*)?|(.+\.)?reply\.celery\.pidbox|celery\.pidbox)$"
)


class Command(BaseCommand):
    help = (
        "Creates the users in BROKER_URL and FLOWER_BROKER_API with their rights; harmless when"
        " repeated. The user in BROKER_MANAGEMENT_URL must be an administrator."
    )

    def handle(self, **options: Any) -> None:
        for name in ("BROKER_URL", "FLOWER_BROKER_API", "BROKER_MANAGEMENT_URL"):
            if not getattr(settings, name):
                raise CommandError(f"{name} is not set.")
        administrator = urlsplit(settings.BROKER_MANAGEMENT_URL).username
        try:
            # Its own rights are not ours to take away.
            if urlsplit(settings.BROKER_URL).username != administrator:
                self._make(settings.BROKER_URL, "work with RabbitMQ", **EVERYTHING)
            self._make(
                settings.FLOWER_BROKER_API, "monitor RabbitMQ", tags="monitoring", **WATCHING
            )
        except OSError as error:
            raise CommandError(f"The management API failed: {error}") from error

    def _make(self, url: str, may: str, **rights: str) -> None:
        """Create the user whose name and password are in this URL. Raises OSError."""
        user = urlsplit(url)
        name, password = unquote(user.username or ""), unquote(user.password or "")
        management_api.make_user(
            settings.BROKER_MANAGEMENT_URL, settings.BROKER_URL, name, password, **rights
        )
        self.stdout.write(f"{name} may {may}.")
