#!/usr/bin/env python
"""Django's command line for Connectify."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")
    try:
        settings.INSTALLED_APPS  # noqa: B018 -- the access loads the settings.
    except ImproperlyConfigured as error:
        # Otherwise Django would go on without its apps, and fail later with a misleading error.
        sys.exit(f"manage.py: {error}")
    execute_from_command_line(sys.argv)
