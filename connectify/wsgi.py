"""The WSGI application for a web server."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from connectify.bodies import Bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connectify.settings")
application = Bodies(get_wsgi_application())
# Import the views now, so that the first request of each process does not wait for it.
import_module(settings.ROOT_URLCONF)
