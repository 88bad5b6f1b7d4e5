"""Loads what apps declare about their subscribers and lanes.

Guarantee: subscribers and lanes are registered in the same order in every process, and loading them
needs neither settings nor models. Celery must know its queues before Django has loaded any app
(`celery -A celery_app …`), and programs that start our processes read the names without Django.
"""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

# Subscribers' lanes come first wherever lanes are listed.
MODULES = ("subscriber", "maintenance")


def load(apps: Iterable[str]) -> None:
    """Import `<app>/subscriber.py` and `<app>/maintenance.py` of each app that has them; the
    modules register their declarations. Raises ImproperlyConfigured if one of them imports a
    model."""
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
        return False  # the app is named by its AppConfig, so it is not ours
