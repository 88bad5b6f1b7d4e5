"""Connectify's settings, for the bare views that bench/api.py measures it against."""

from connectify.settings import *  # noqa: F403 - all of them, with two changes

ROOT_URLCONF = "devtools.bench.bare"
MIDDLEWARE = []
