"""The doctor, on a healthy system and on faulty ones."""

import io
import json
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from analytics import pruning
from celery_app import app
from events import healing, pausing, topology
from events.models import DeadLetter, OutboxEvent
from events.registry import subscribers
from events.topology import DEAD_QUEUE
from operations import broker_examinations, doctor, partitioned
from social import posts
from tests.bus import depth, put
from tests.environment import available
from tests.notifications.people import with_device
from tests.partitions import drop_all_partitions
from tests.waiting import until
from timelines import watermark

pytestmark = pytest.mark.django_db


def found(examination: str) -> list[str]:
    ailments = doctor.examinations()[examination](timezone.now())
    return [f"{ailment.what} -> {ailment.mend}" for ailment in ailments]


@pytest.fixture
def management(settings):
    settings.BROKER_MANAGEMENT_URL = available["BROKER_MANAGEMENT_URL"]


def test_nothing_is_found_at_servers_that_answer(broker, management):
    for name in ("database and clock", "migrations", "cache", "topology"):
        assert found(name) == []


def test_a_read_only_database_is_found():
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    (reported,) = found("database and clock")
    assert reported.startswith("PostgreSQL is read-only: nobody can post -> ")


def test_a_queue_without_a_consumer_is_named_with_the_command_that_starts_it(broker):
    reported = found("broker and consumers")
    assert "nobody consumes push.worker -> manage.py consume notifications" in reported
    lane = "nobody consumes timelines.high -> celery -A celery_app worker -Q timelines.high"
    assert lane in reported
    with broker.channel() as channel:
        channel.basic_consume("push.worker", callback=lambda message: None)
        assert len(found("broker and consumers")) == len(reported) - 1


def test_a_late_post_is_named_with_the_command_that_repairs_it(post, bob, settings):
    settings.CANARY = False
    watermark.raise_(now=timezone.now())
    mend = f"replay its dead letter, or manage.py repair_post {post.pk}"
    assert found("delivery") == [f"post {post.pk} is late in some timelines -> {mend}"]


def test_a_lost_binding_is_found(broker, management):
    with broker.channel() as channel:
        channel.queue_unbind("push.worker", exchange="posts.fanout", routing_key="")
    (reported,) = found("topology")
    assert reported.startswith("push.worker is not bound to posts.fanout -> ")
    topology.declare(broker)
    assert found("topology") == []


def test_dead_letters_that_the_broker_cannot_move_are_reported(broker, management):
    with broker.channel() as channel:
        DEAD_QUEUE(channel).delete()
        put(broker, "push.worker", b"x")
        topology.event_queue("push.worker")(channel).get().reject()
        try:
            until(lambda: any("not moved 1 dead letters from push" in t for t in found("topology")))
        finally:
            # Delete its letter too, which another test would get after three minutes.
            channel.queue_delete("push.worker")
            topology.declare(broker, app.amqp.queues.values())
    assert found("topology") == []


def test_a_queue_with_wrong_arguments_is_found(broker, management):
    with broker.channel() as channel:
        channel.queue_delete("events.low")
        channel.queue_declare("events.low", durable=True, auto_delete=False)
    try:
        (reported,) = found("topology")
        assert reported.startswith("events.low has other arguments than it should -> drain it")
    finally:
        with broker.channel() as channel:
            channel.queue_delete("events.low")
        topology.declare(broker, app.amqp.queues.values())


def test_a_policy_that_drops_messages_is_found():
    policy = {"name": "short", "vhost": "test", "definition": {"message-ttl": 1, "ha-mode": "all"}}
    (reported,) = broker_examinations._policies([policy])
    assert reported.what == "policy short sets message-ttl"
    assert reported.mend == "rabbitmqctl clear_policy -p test short"


def test_unreachable_servers_are_named_with_their_setting(settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    settings.BROKER_MANAGEMENT_URL = "http://guest:guest@127.0.0.1:1"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for name, variable in (
        ("broker and consumers", "BROKER_URL"),
        ("topology", "BROKER_MANAGEMENT_URL"),
        ("cache", "REDIS_URL"),
    ):
        (reported,) = found(name)
        assert variable in reported


def test_a_wrong_clock_is_found():
    (reported,) = doctor.database(timezone.now() + timedelta(minutes=1))
    assert reported.what.startswith("this clock and PostgreSQL's differ by ")


def test_missing_partitions_are_found_and_created_by_the_named_command(broker):
    drop_all_partitions()
    reported = found("partitions")
    assert any("no partition for the next post" in ailment for ailment in reported)
    assert any("no partition for today" in ailment for ailment in reported)
    partitioned.create_ahead()
    pruning.prune(now=timezone.now())
    assert found("partitions") == []


def test_a_canary_that_was_never_released_is_reported(settings):
    settings.CANARY = True
    assert found("delivery") == [
        "no canary was ever released -> is beat running? See the operations page, and manage.py lag"
    ]


def test_the_command_reports_everything_and_fails_if_something_is_wrong(broker):
    out = io.StringIO()
    with pytest.raises(CommandError, match="to fix"):
        call_command("doctor", stdout=out)
    lines = out.getvalue().splitlines()
    assert "ok   migrations" in lines
    assert "BAD  broker and consumers" in lines
    assert {line[5:] for line in lines if line[:3] in ("ok ", "BAD")} == set(doctor.examinations())


def test_an_examination_that_fails_is_reported():
    def broken(now):
        raise RuntimeError("no way")
        yield

    reported = dict(doctor.examine({"odd": broken}, now=timezone.now()))["odd"]
    assert [ailment.what for ailment in reported] == ["could not be examined: no way"]


def test_a_paused_subscriber_is_reported_with_its_end_and_how_to_resume(broker):
    pausing.pause("timelines", lasting=None, now=timezone.now())
    pausing.pause("notifications", lasting=timedelta(minutes=10), now=timezone.now())
    reported = found("broker and consumers")
    assert "timelines is paused until it is resumed -> manage.py resume timelines" in reported
    lasting = f"{pausing.paused()['notifications']:%Y-%m-%d %H:%M:%S} UTC"
    assert f"notifications is paused until {lasting} -> manage.py resume notifications" in reported
    assert not any("consumes timeline.worker" in ailment for ailment in reported)
    assert not any("consumes push.worker" in ailment for ailment in reported)
    assert any("consumes analytics.worker" in ailment for ailment in reported)


def test_a_full_lane_is_reported_with_the_advice_to_wait(broker):
    """Its consumer takes nothing meanwhile; "nobody consumes" would be a wrong report."""
    limit = subscribers["notifications"].lane_limits["notifications.high"]
    for _ in range(limit):
        put(broker, "notifications.high", b"{}")
    until(lambda: depth(broker, "notifications.high") == limit)
    reported = found("broker and consumers")
    assert (
        f"notifications takes no events while notifications.high holds {limit} tasks"
        f" (at most {limit}) -> wait, or start another celery -A celery_app worker"
        " -Q notifications.high"
    ) in reported
    assert not any("consumes push.worker" in ailment for ailment in reported)


def test_a_consumer_that_has_just_resumed_is_not_reported_as_missing(broker):
    with broker.channel() as channel:
        back = threading.Timer(
            0.5, channel.basic_consume, ["push.worker"], {"callback": lambda message: None}
        )
        back.start()
        reported = found("broker and consumers")
        back.join()
    assert not any("push.worker" in ailment for ailment in reported)


def test_a_message_that_cannot_be_routed_is_named_with_what_to_do(broker, alice, settings):
    settings.CANARY = False
    posts.publish(alice, "hi", now=timezone.now())
    OutboxEvent.objects.update(attempts=1, last_error="NO_ROUTE")
    (reported,) = found("stranded events")
    assert reported.startswith(
        "1 messages for exchange posts.fanout cannot be routed, the oldest for "
    )
    assert "NO_ROUTE -> restart manage.py consume timelines, " in reported
    OutboxEvent.objects.update(exchange="", routing_key="gone.worker")
    (reported,) = found("stranded events")
    assert "messages for queue gone.worker cannot be routed" in reported
    assert reported.endswith("a replay opens its letter again after ten minutes")
    out = io.StringIO()
    call_command("lag", stdout=out)
    assert "1 messages for queue gone.worker cannot be routed" in out.getvalue()
    call_command("lag", "--json", stdout=(out := io.StringIO()))
    (described,) = json.loads(out.getvalue())["unroutable"]
    assert (described["routing_key"], described["reason"]) == ("gone.worker", "NO_ROUTE")


def test_unsettled_letters_are_reported(settings, dead_letter):
    settings.CANARY = False
    dead_letter(1, "timelines.high")
    healing.replay(healing.select({}))
    assert found("stranded events") == []
    OutboxEvent.objects.all().delete()
    DeadLetter.objects.update(replayed_at=timezone.now() - healing.UNSETTLED_AFTER)
    (reported,) = found("stranded events")
    assert reported.startswith(
        "1 letters were replayed ten minutes ago and are not known to be done"
    )
    assert reported.endswith("manage.py dead_letters replay --state replayed --yes")
    call_command("dead_letters", "replay", "--state", "replayed", "--yes")
    assert found("stranded events") == []


def test_a_push_service_that_rejects_us_is_named(rejecting):
    (reported,) = found("push services")
    assert reported.startswith(f"most pushes to {rejecting} get 401 or 403")
    assert "VAPID_PRIVATE_KEY, VAPID_SUBJECT" in reported


def test_devices_of_another_vapid_key_are_reported(bob, now):
    assert found("push services") == []
    with_device(bob, now, application_server_key="B-other")
    (reported,) = found("push services")
    assert reported.startswith("some devices were registered with another VAPID_PRIVATE_KEY")
