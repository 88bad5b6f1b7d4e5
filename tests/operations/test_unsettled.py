"""Pushes that are being retried are late, unless they are a very small share of all pushes."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fanout import partitions
from notifications.models import Delivery, Notification, SliceRecord
from notifications.unsettled import SHOWN, UNSETTLED, unsettled
from operations import lag, metrics

pytestmark = pytest.mark.django_db


@pytest.fixture
def retry(post):
    """Create pushes of Alice's post that were begun some seconds ago and are being retried."""
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, [post.pk])
    type(post).objects.update(created_at=timezone.now())

    def make(seconds: float, count: int = 1, state: str = "retrying") -> None:
        now = timezone.now()
        settled = state not in ("retrying", "sending")
        for _ in range(count):
            Delivery.objects.create(
                post=post,
                subscription_id=Delivery.objects.count(),
                recipient_id=1,
                state=state,
                attempts=1,
                created_at=now - timedelta(seconds=seconds),
                due_at=None if settled else now,
            )

    return make


def pushes_lag() -> lag.Lag:
    return next(each for each in lag.lags(lag.outbox()) if each.subscriber == "notifications")


def test_pushes_that_are_being_retried_are_reported_late_everywhere(broker, retry):
    retry(60, 3)
    found = pushes_lag()
    assert (found.within_target, found.unsettled, found.rows_outstanding) == (False, 3, 3)
    assert found.oldest_seconds == pytest.approx(60, abs=10)
    out = io.StringIO()
    call_command("lag", stdout=out)
    assert "notifications: LATE" in out.getvalue()
    assert "3 rows outstanding (3 pushes not settled)" in out.getvalue()
    figures = {
        sample.name: sample.value
        for family in metrics.SystemCollector().collect()
        for sample in family.samples
        if sample.labels.get("subscriber") == "notifications"
    }
    assert figures["connectify_operations_lag_unsettled_pushes"] == 3
    assert figures["connectify_operations_lag_oldest_seconds"] > 50


def test_pushes_within_their_target_or_settled_are_not_late(broker, retry):
    retry(2)
    retry(60, state="sent")
    retry(60, state="expired")
    retry(60, state="held")
    assert (pushes_lag().within_target, pushes_lag().unsettled) == (True, 0)


def test_one_failing_device_among_many_makes_nothing_late(broker, post, retry):
    SliceRecord.objects.create(
        post_id=post.pk, after=0, up_to=9, rows=1_000, written_at=timezone.now()
    )
    retry(60)
    assert (pushes_lag().within_target, pushes_lag().unsettled) == (True, 1)
    retry(60, 10)
    assert not pushes_lag().within_target


def test_pushes_sent_before_an_outage_do_not_hide_it(broker, post, retry):
    yesterday = timezone.now() - timedelta(days=1)
    SliceRecord.objects.create(post_id=post.pk, after=0, up_to=9, rows=1_000, written_at=yesterday)
    retry(60, 5)
    assert not pushes_lag().within_target


def test_unsettled_pushes_are_found_by_their_index_in_the_partitions_of_a_day(post, retry):
    retry(60)
    with CaptureQueriesContext(connection) as queries:
        unsettled(5)
    assert len(queries) == 2
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {UNSETTLED}", [post.pk + 2_000, 5, SHOWN])
        plan = "\n".join(line for (line,) in cursor)
    assert f"notifications_delivery_p{post.pk // 2_000}" not in plan
