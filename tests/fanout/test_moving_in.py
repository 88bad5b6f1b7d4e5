"""A database that a version without the app `fanout` has filled is migrated in place."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from stack import databases

ROOT = Path(__file__).resolve().parent.parent.parent
# The last migration of each app in that version.
FORMER = [
    *(["social", "0020"], ["timelines", "0009"], ["events", "0008"]),
    *(["notifications"], ["analytics"], ["auth"]),
]
GRANTED = """
    INSERT INTO auth_group (name) VALUES ('on call');
    INSERT INTO auth_group_permissions (group_id, permission_id)
    SELECT auth_group.id, auth_permission.id FROM auth_group, auth_permission
    WHERE auth_group.name = 'on call' AND codename = 'view_horizon';
    INSERT INTO social_horizon (table_name, post_id) VALUES ('timelines_timelineentry', 4000)
"""
GRANTS = """
    SELECT app_label, codename FROM auth_group_permissions
    JOIN auth_permission ON auth_permission.id = permission_id
    JOIN django_content_type ON django_content_type.id = content_type_id
    JOIN auth_group ON auth_group.id = group_id WHERE auth_group.name = 'on call'
"""
MIGRATE = f"""
import django; django.setup()
from django.core.management import call_command
for target in {FORMER}:
    call_command("migrate", *target, verbosity=0)
"""
HORIZON = "from fanout import partitions; print(partitions.horizon('timelines_timelineentry'))"


@pytest.fixture
def url(db):
    return databases.make(os.environ["DATABASE_URL"], "connectify_moving")


def run(url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "DATABASE_DIRECT_URL": url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def filled(url):
    """A connection to a database of the former version, where a group may look at horizons."""
    run(url, "-c", MIGRATE)
    connection = psycopg2.connect(url)
    connection.autocommit = True
    connection.cursor().execute(GRANTED)
    yield connection
    connection.close()


@pytest.mark.slow  # Three runs of `manage.py migrate`.
def test_a_filled_database_keeps_its_horizons_and_who_may_look_at_them(filled, url):
    cursor = filled.cursor()
    cursor.execute(GRANTS)
    assert cursor.fetchall() == [("social", "view_horizon")]
    run(url, "manage.py", "migrate", "-v0")
    cursor.execute(GRANTS)
    assert cursor.fetchall() == [("fanout", "view_horizon")]
    assert run(url, "manage.py", "shell", "-v0", "-c", HORIZON).splitlines()[-1] == "4000"
    # A process of the former version that still runs reads the same table.
    cursor.execute("SELECT post_id FROM social_horizon")
    assert cursor.fetchone() == (4000,)
    run(url, "manage.py", "migrate", "-v0", "social", "0020")
    cursor.execute(GRANTS)
    assert cursor.fetchall() == [("social", "view_horizon")]
