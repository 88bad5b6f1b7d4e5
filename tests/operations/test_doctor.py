"""The doctor, on a house that is well and on ones that are not."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from analytics import pruning
from celery_app import app
from events import topology
from operations import broker_examinations, doctor, partitioned
from tests.environment import available
from timelines import watermark

pytestmark = pytest.mark.django_db


def found(examination: str) -> list[str]:
    ailments = doctor.EXAMINATIONS[examination](timezone.now())
    return [f"{ailment.what} -> {ailment.mend}" for ailment in ailments]


@pytest.fixture
def management(settings):
    settings.BROKER_MANAGEMENT_URL = available["BROKER_MANAGEMENT_URL"]


def test_servers_that_answer_are_well(broker, management):
    for name in ("database and clock", "migrations", "cache", "topology"):
        assert found(name) == []


def test_a_database_that_takes_no_writes_is_found():
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    (told,) = found("database and clock")
    assert told.startswith("PostgreSQL is read-only: nobody can post -> ")


def test_a_queue_without_a_consumer_is_named_with_the_command_that_starts_it(broker):
    told = found("broker and consumers")
    assert "nobody consumes push.worker -> manage.py consume notifications" in told
    lane = "nobody consumes timelines.high -> celery -A celery_app worker -Q timelines.high"
    assert lane in told
    with broker.channel() as channel:
        channel.basic_consume("push.worker", callback=lambda message: None)
        assert len(found("broker and consumers")) == len(told) - 1


def test_a_late_post_is_named_with_the_command_that_repairs_it(post, bob, settings):
    settings.CANARY = False
    watermark.raise_(now=timezone.now())
    mend = f"replay its dead letter, or manage.py repair_post {post.pk}"
    assert found("delivery") == [f"post {post.pk} is late in some timelines -> {mend}"]


def test_a_lost_binding_is_found(broker, management):
    with broker.channel() as channel:
        channel.queue_unbind("push.worker", exchange="posts.fanout", routing_key="")
    (told,) = found("topology")
    assert told.startswith("push.worker is not bound to posts.fanout -> ")
    topology.declare(broker)
    assert found("topology") == []


def test_a_queue_of_other_arguments_is_found(broker, management):
    with broker.channel() as channel:
        channel.queue_delete("events.low")
        channel.queue_declare("events.low", durable=True, auto_delete=False)
    try:
        (told,) = found("topology")
        assert told.startswith("events.low has other arguments than it should -> drain it")
    finally:
        with broker.channel() as channel:
            channel.queue_delete("events.low")
        topology.declare(broker, app.amqp.queues.values())


def test_a_policy_that_drops_messages_is_found():
    policy = {"name": "short", "vhost": "test", "definition": {"message-ttl": 1, "ha-mode": "all"}}
    (told,) = broker_examinations._policies([policy])
    assert told.what == "policy short sets message-ttl"
    assert told.mend == "rabbitmqctl clear_policy -p test short"


def test_servers_that_are_away_are_named_with_their_setting(settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    settings.BROKER_MANAGEMENT_URL = "http://guest:guest@127.0.0.1:1"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for name, variable in (
        ("broker and consumers", "BROKER_URL"),
        ("topology", "BROKER_MANAGEMENT_URL"),
        ("cache", "REDIS_URL"),
    ):
        (told,) = found(name)
        assert variable in told


def test_a_wrong_clock_is_found():
    (told,) = doctor.database(timezone.now() + timedelta(minutes=1))
    assert told.what.startswith("this clock and PostgreSQL's differ by ")


def test_missing_partitions_are_found_and_made_by_the_command_that_is_named(broker):
    told = found("partitions")
    assert any("no partition for the next post" in ailment for ailment in told)
    assert any("no partition for today" in ailment for ailment in told)
    partitioned.create_ahead()
    pruning.prune(now=timezone.now())
    assert found("partitions") == []


def test_a_canary_that_was_never_released_is_told(settings):
    settings.CANARY = True
    assert found("delivery") == [
        "no canary was ever released -> is beat running? See the operations page, and manage.py lag"
    ]


def test_the_command_tells_all_and_fails_where_something_is_wrong(broker):
    out = io.StringIO()
    with pytest.raises(CommandError, match="to mend"):
        call_command("doctor", stdout=out)
    lines = out.getvalue().splitlines()
    assert "ok   migrations" in lines
    assert "BAD  broker and consumers" in lines
    assert {line[5:] for line in lines if line[:3] in ("ok ", "BAD")} == set(doctor.EXAMINATIONS)


def test_an_examination_that_breaks_is_an_ailment():
    def broken(now):
        raise RuntimeError("no way")
        yield

    told = dict(doctor.examine({"odd": broken}, now=timezone.now()))["odd"]
    assert [ailment.what for ailment in told] == ["could not be examined: no way"]
