import threading

import pytest
from django.db import connection

from events.locks import held
from operations.tasks import create_partitions
from social import partitions


@pytest.mark.django_db(transaction=True)
def test_a_periodic_task_that_is_started_twice_runs_once():
    taken, release = threading.Event(), threading.Event()

    def other_beat():
        with held("operations.create_partitions"):
            taken.set()
            release.wait(10)
        connection.close()

    other = threading.Thread(target=other_beat)
    other.start()
    taken.wait(10)
    with held("operations.create_partitions") as mine:
        assert not mine
    release.set()
    other.join(10)
    with held("operations.create_partitions") as mine:
        assert mine


@pytest.mark.django_db
def test_partitions_are_made_ahead_of_the_newest_post(post):
    create_partitions()
    for table in (
        "timelines_timelineentry",
        "notifications_notification",
        "notifications_delivery",
    ):
        ahead = [bounds for bounds in partitions.bounds(table) if bounds[1] > post.pk]
        assert len(ahead) >= 6
