from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations import checks, groups  # noqa: F401  (the checks register themselves)

        # Not in a migration, because Django creates permissions after all migrations.
        post_migrate.connect(groups.ensure, sender=self)
