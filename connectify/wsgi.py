"""The WSGI application for a web server."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from connectify.bodies import Bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")
application = Bodies(get_wsgi_application())
# The views, for which the first request of each process would wait otherwise.
import_module(settings.ROOT_URLCONF)
