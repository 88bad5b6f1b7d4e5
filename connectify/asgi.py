"""The ASGI application for a web server."""

import os
from importlib import import_module

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")
application = get_asgi_application()
# The views, for which the first request of each process would wait otherwise.
import_module(settings.ROOT_URLCONF)
