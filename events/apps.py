from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from events.conf import setting


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        # The Celery app that this process publishes its tasks through.
        if module := setting("CELERY_APP"):
            import_module(module)
        autodiscover_modules("event_types")
        autodiscover_modules("subscriber")
