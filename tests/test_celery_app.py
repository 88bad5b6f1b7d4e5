"""What the beat starts, started by two beats at once."""

from contextlib import closing

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from celery_app import app

pytestmark = pytest.mark.django_db
# It takes rows that no other has locked, and so may run beside itself.
SHARING = {"analytics.roll_up"}
PERIODIC = {entry["task"] for entry in app.conf.beat_schedule.values()} - SHARING


@pytest.mark.parametrize("name", sorted(PERIODIC))
def test_a_periodic_task_that_runs_already_does_nothing(name):
    app.loader.import_default_modules()
    with closing(connection.copy()) as running, CaptureQueriesContext(connection) as queries:
        with running.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        app.tasks[name]()
    assert [query["sql"].split("(")[0] for query in queries] == ["SELECT pg_try_advisory_lock"]
