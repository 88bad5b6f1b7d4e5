from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from events import limits
from events.conf import setting


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        # Makes the Celery app through which this process publishes its tasks.
        if module := setting("CELERY_APP"):
            import_module(module)
        post_migrate.connect(limits.set_on_database, sender=self)
        autodiscover_modules("event_types")
        autodiscover_modules("subscriber")
