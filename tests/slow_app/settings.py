"""Connectify's settings, and an app whose migrations take long."""

from connectify.settings import *  # noqa: F403 -- all of them, with one app more.

INSTALLED_APPS = [*INSTALLED_APPS, "tests.slow_app"]  # noqa: F405
