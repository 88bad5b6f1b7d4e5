from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from events import declarations, failpoints, limits
from events.conf import setting
from events.registry import subscribers


class EventsConfig(AppConfig):
    name = "events"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Load the declarations before any model is loaded. Otherwise the admin's modules of some
        # app would be the first to import its declaration, and so change the order of registration.
        declarations.load(settings.INSTALLED_APPS)

    def ready(self) -> None:
        # Create the Celery app through which this process publishes its tasks.
        if module := setting("CELERY_APP"):
            import_module(module)
        post_migrate.connect(limits.set_on_database, sender=self)
        autodiscover_modules("event_types")
        # A declared path that cannot be imported ends every process at its start.
        for subscriber in subscribers.values():
            subscriber.resolve_all()
        failpoints.check()
