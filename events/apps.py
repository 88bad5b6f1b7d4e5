from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        # The Celery app that this process publishes its tasks through.
        import_module(settings.CELERY_APP)
        autodiscover_modules("event_types")
        autodiscover_modules("subscriber")
