"""`manage.py migrate`, as operators run it, on tables that are in use."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
# Shorter than the statements of the migrations, and than the waits of other sessions.
LIMITS = "options=-c%20statement_timeout%3D300ms%20-c%20lock_timeout%3D300ms"


def migrate(name: str) -> subprocess.CompletedProcess:
    database = f"/{connection.settings_dict['NAME']}"
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=database, query=LIMITS))
    environ = dict.fromkeys(("DATABASE_URL", "DATABASE_DIRECT_URL"), url)
    environ["DJANGO_SETTINGS_MODULE"] = "tests.slow_app.settings"
    return subprocess.run(
        [sys.executable, "manage.py", "migrate", "slow_app", name],
        cwd=ROOT,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def operator(transactional_db) -> Iterator[psycopg2.extensions.connection]:
    """A cursor of another session, in a transaction."""
    made = psycopg2.connect(**connection.get_connection_params())
    yield made
    made.close()
    assert migrate("zero").returncode == 0


def test_a_statement_may_take_longer_than_the_limit_of_other_processes(operator):
    done = migrate("0001")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow  # Somebody holds a lock for some seconds, twice.
def test_a_table_in_use_is_tried_again_and_an_index_waits_for_others(operator):
    migrate("0001")
    operator.cursor().execute("INSERT INTO slow_app (one) VALUES (2)")
    ending = threading.Timer(8, operator.rollback)
    ending.start()
    done = migrate("0002")
    assert done.returncode == 0, done.stderr
    assert "Trying again in 3 s" in done.stderr
    operator.cursor().execute("INSERT INTO slow_app (one) VALUES (2)")
    ending = threading.Timer(8, operator.rollback)
    ending.start()
    done = migrate("0003")
    assert done.returncode == 0, done.stderr
    assert "Trying again" not in done.stderr
