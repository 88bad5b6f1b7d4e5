"""Processes of pytest that run at once do not meet each other in any server."""

import os
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.environment import WORKER, own_name


def path(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def test_each_process_of_pytest_has_its_own_part_of_every_server(broker, db):
    """bin/test runs this among others, in one of several processes."""
    assert connection.settings_dict["NAME"] == own_name("test_connectify")
    for url in (settings.BROKER_URL, os.environ["BROKER_URL"]):
        assert path(url) == own_name("test")
    for url in (settings.REDIS_URL, os.environ["REDIS_URL"]):
        assert path(url) == (WORKER.removeprefix("gw") or "0")
