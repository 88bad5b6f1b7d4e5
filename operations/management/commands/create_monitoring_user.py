"""Creating the RabbitMQ user with which Flower reads the queues."""

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from operations import management_api


class Command(BaseCommand):
    help = "Creates the user in FLOWER_BROKER_API, with read-only access; harmless when repeated."

    def handle(self, **options: Any) -> None:
        for name in ("FLOWER_BROKER_API", "BROKER_MANAGEMENT_URL"):
            if not getattr(settings, name):
                raise CommandError(f"{name} is not set.")
        user = urlsplit(settings.FLOWER_BROKER_API)
        name, password = unquote(user.username or ""), unquote(user.password or "")
        try:
            management_api.make_monitor(
                settings.BROKER_MANAGEMENT_URL, settings.BROKER_URL, name, password
            )
        except OSError as error:
            raise CommandError(f"The management API failed: {error}") from error
        self.stdout.write(f"{name} may monitor RabbitMQ.")
