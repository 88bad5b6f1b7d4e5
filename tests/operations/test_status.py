"""The operations page, through Django's client."""

import re
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone

from analytics import histogram
from analytics.models import Rollup
from events.models import DeadLetter
from events.registry import subscribers
from fanout import partitions
from notifications.delivery.breaker_board import Board, Opening
from social import posts
from tests.partitions import drop_all_partitions

pytestmark = pytest.mark.django_db
PAGE = "/admin/operations/status/"


@pytest.fixture
def text(admin_client):
    return lambda: admin_client.get(PAGE).content.decode()


def letter(number: int, exception: str) -> DeadLetter:
    return DeadLetter.objects.create(
        queue="timelines.high",
        message_id=str(number),
        body=b"",
        exception_type=exception,
        first_failed_at=timezone.now(),
        last_failed_at=timezone.now(),
    )


def test_the_page_shows_whether_posts_arrive_in_time(text, alice, broker):
    assert text().count("<td>yes</td>") == len(subscribers)
    with connection.cursor() as cursor:
        posts.publish(alice, "hi", now=timezone.now())
        cursor.execute("UPDATE events_outboxevent SET due_at = due_at - interval '40 seconds'")
    page = text()
    assert page.count("<strong>LATE</strong>") == 2
    assert "<strong>1</strong> waiting to be published, the oldest for 40." in page


def test_without_the_broker_the_page_says_so(text, settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    page = text()
    assert "<strong>The broker is unreachable</strong>" in page
    assert "RabbitMQ unreachable, Valkey unreachable" in page


def test_dead_letters_are_grouped_and_each_group_is_a_link(text, admin_client, broker):
    letter(1, "ValueError"), letter(2, "ValueError"), letter(3, "KeyError")
    page = text()
    link = "/admin/events/deadletter/?state__exact=open&amp;queue=timelines.high"
    assert f'<a href="{link}&amp;exception_type=ValueError">2</a>' in page
    listed = admin_client.get(f"{link.replace('&amp;', '&')}&exception_type=ValueError")
    assert listed.context["cl"].result_count == 2


def test_push_hosts_whose_circuit_is_open_are_named(text, broker, settings):
    board = Board(settings.REDIS_URL)
    board.write("https://push.example", Opening(1, time.time() + 60))
    try:
        assert "<li>https://push.example: open: sent nothing until " in text()
    finally:
        board.erase("https://push.example")
        board.close()
    assert "push.example" not in text()


def test_latencies_of_the_last_hour_are_plotted(text, broker):
    buckets = histogram.empty()
    histogram.add(buckets, 0.4, 10)
    Rollup.objects.create(
        period="minute",
        author_id=0,
        starts_at=timezone.now(),
        pushes_sent=1_234,
        timeline_latency=buckets,
        push_latency=buckets,
    )
    page = text()
    assert page.count("<polyline") == 6
    assert "1,234 sent" in page


def test_partitions_are_listed_with_their_retention(text, broker, settings):
    settings.TIMELINE_KEEP = timedelta(days=77)
    drop_all_partitions()
    partitions.ensure("timelines_timelineentry", [1])
    row = text().partition("<td>timelines_timelineentry</td>")[2].partition("</tr>")[0]
    assert re.findall("<td>(.*?)</td>", row) == ["1", "0", "0\xa0bytes", "77"]


def test_the_page_reloads_itself(text, broker):
    assert '<meta http-equiv="refresh" content="10">' in text()


def test_a_user_without_the_permission_does_not_see_the_page(client, alice, broker):
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    assert client.get(PAGE).status_code == 403
    alice.user_permissions.add(Permission.objects.get(codename="view_status"))
    assert client.get(PAGE).status_code == 200


def test_the_pages_number_of_queries_is_fixed(admin_client, broker, django_assert_max_num_queries):
    for number in range(3):
        letter(number, f"Error{number}")
    # Two more per subscriber: its lag, and its figures if it offers some.
    with django_assert_max_num_queries(16 + 2 * len(subscribers)):
        admin_client.get(PAGE)


def test_a_push_service_that_rejects_us_is_reported(text, broker, rejecting):
    assert f"Most pushes to {rejecting} get 401 or 403" in text()
