"""What the beat starts, started by two beats at once."""

from contextlib import closing

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from celery_app import app
from events.lanes import LEAST_EXPIRATION
from events.models import DeadLetter
from tests.bus import depth, file_letters
from tests.waiting import until

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


@pytest.mark.parametrize("name", sorted(app.conf.beat_schedule))
def test_a_periodic_task_that_nobody_takes_leaves_when_the_next_is_due(broker, name):
    app.loader.import_default_modules()
    entry = app.conf.beat_schedule[name]
    task = app.tasks[entry["task"]]
    task.apply_async(**entry["options"])
    message = broker.channel().basic_get(task.lane, no_ack=True)
    lasting = int(message.properties["expiration"]) / 1000
    assert lasting == max(entry["schedule"], LEAST_EXPIRATION)
    # No clock of another machine decides.
    assert message.headers["expires"] is None


def test_periodic_tasks_do_not_pile_up_and_are_no_dead_letters(broker):
    app.loader.import_default_modules()
    task = app.tasks["timelines.repair"]
    for _ in range(3):
        task.apply_async(expiration=0.2)
    until(lambda: depth(broker, "dead.letters") == 3)
    assert depth(broker, task.lane) == 0
    file_letters(3)
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("name", sorted(PERIODIC))
def test_no_periodic_task_waits_behind_what_people_have_done(name):
    """RabbitMQ drops an expired message only at the head of its queue."""
    app.loader.import_default_modules()
    assert app.tasks[name].lane in {"operations.low", "events.low", "analytics.low"}
