"""Reading what apps declare, in any process.

Guarantee: subscribers and lanes have the same order in every process, that of the apps, and reading
them needs neither settings nor models. Celery must know its queues before Django has loaded any app
(`celery -A celery_app …`), and what starts processes reads their names without Django.
"""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

# Subscribers' lanes come first wherever lanes are listed.
MODULES = ("subscriber", "maintenance")


def load(apps: Iterable[str]) -> None:
    """Import `<app>/subscriber.py` and `<app>/maintenance.py` where they exist; they register what
    they declare. Raises ImproperlyConfigured where one of them imports a model."""
    for name in [f"{app}.{module}" for module in MODULES for app in apps]:
        if not _exists(name):
            continue
        try:
            import_module(name)
        except AppRegistryNotReady as error:
            why = "it is read before models are: name handlers by their paths"
            raise ImproperlyConfigured(f"{name} imports models, but {why}.") from error


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False  # An app that is named by its AppConfig, and so is none of ours.
