"""A row that PostgreSQL refuses fails only itself, in claims and in settlements."""

from uuid import uuid4

import pytest
from django.db import DataError, connection

from events.errors import is_data_error
from events.models import OutboxEvent
from fanout import partitions
from fanout.slices import END, Slice
from notifications.delivery import allowance, claims, pushing, retries, settling
from notifications.delivery.claims import Push
from notifications.delivery.outcomes import Outcome, State
from notifications.models import Delivery, Notification, Preference, PushSubscription, SliceRecord
from social import relations
from tests.conftest import make_user
from tests.notifications.conftest import forget_failures, register

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(alice, post, service, now):
    """Twenty followers of Alice's with two devices each, in the order of their ids."""
    followers = [make_user(f"follower{number}") for number in range(20)]
    for follower in followers:
        relations.follow(follower, alice, now=now)
        for _ in range(2):
            register(follower, service, now)
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, [post.pk])
    return followers


def refuse(table: str, condition: str) -> None:
    with connection.cursor() as cursor:
        # A table with deferred checks cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({condition})")


def push_post(post, now):
    return pushing.push_slices([Slice(post.pk, 0, END)], task=uuid4(), clock=lambda: now)


def states() -> dict[int, str]:
    return dict(Delivery.objects.values_list("subscription_id", "state"))


def test_a_host_longer_than_its_column_fails_no_other_push(post, crowd, service, now):
    host = f"{'a' * 63}.{'b' * 63}.updates.push.services.mozilla.com"
    hostile = PushSubscription.objects.first()
    PushSubscription.objects.filter(pk=hostile.pk).update(endpoint=f"https://{host}/x")
    push_post(post, now)
    assert states().pop(hostile.pk) == "refused"
    assert sorted(states().values()) == ["refused"] + ["sent"] * 39
    assert Delivery.objects.get(subscription_id=hostile.pk).host == host[:100]


def test_full_counters_and_unknown_time_zones_fail_no_claim(post, crowd, service, now):
    guilty = PushSubscription.objects.first()
    Delivery.objects.create(
        **{"post": post, "subscription_id": guilty.pk, "recipient_id": guilty.user_id},
        **{"state": "sending", "attempts": 32_767, "created_at": now, "due_at": now - claims.LEASE},
    )
    Preference.objects.filter(user=crowd[3]).update(
        time_zone="Nowhere/Land", quiet_from="22:00", quiet_until="07:00"
    )
    push_post(post, now)
    assert set(states().values()) == {"sent"}


@pytest.mark.parametrize("guilty", [0, 19, 20, 39])
def test_a_device_whose_row_is_refused_fails_no_other(post, crowd, service, now, guilty):
    device = PushSubscription.objects.order_by("pk")[guilty].pk
    refuse("notifications_delivery", f"subscription_id <> {device} OR state = 'failed'")
    push_post(post, now)
    assert states().pop(device) == "failed"
    assert sorted(states().values()) == ["failed"] + ["sent"] * 39
    assert Delivery.objects.get(subscription_id=device).reason == "IntegrityError 23514"
    assert Notification.objects.count() == 20
    assert len(service.receipts) == 39
    # The slice is done, so the repair has nothing to do.
    assert SliceRecord.objects.filter(post_id=post.pk, after=0, up_to=END).exists()


def test_a_follower_whose_notification_is_refused_affects_no_other(post, crowd, service, now):
    guilty = crowd[7]
    refuse("notifications_notification", f"recipient_id <> {guilty.pk}")
    push_post(post, now)
    assert sorted(states().values()) == ["failed"] * 2 + ["sent"] * 38
    failed = Delivery.objects.filter(state="failed").values_list("recipient_id", flat=True)
    assert set(failed) == {guilty.pk}


def test_splitting_a_slice_takes_a_few_statements_for_each_bad_row(
    post, crowd, service, now, django_assert_max_num_queries
):
    refuse("notifications_notification", f"recipient_id <> {crowd[7].pk}")
    live = {post.pk: post}
    # Five halvings of twenty followers, with four statements each, and then two single devices.
    with django_assert_max_num_queries(80):
        claims.claim([Slice(post.pk, 0, END)], live, task=uuid4(), now=now)


def test_an_error_that_no_row_causes_is_raised(post, crowd, now):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_delivery RENAME COLUMN host TO house")
    with pytest.raises(Exception, match="host"):
        push_post(post, now)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("reason", "status"),
    [("a\x00b", 201), ("\ud800", 201), ("x" * 500, 201), ("", 10**9), ("", -1), ("\U0001f600", 7)],
)
def test_any_answer_can_be_recorded(post, crowd, now, reason, status):
    pushes = claims.claim([Slice(post.pk, 0, END)], {post.pk: post}, task=uuid4(), now=now)
    outcomes = [Outcome(push, State.SENT, now, status, reason) for push in pushes]
    assert len(settling.settle(outcomes, {post.pk: post}, now=now)) == 40
    assert set(states().values()) == {"sent"}


def test_a_refused_outcome_is_recorded_as_failed_and_the_others_are_settled(
    post, crowd, service, now
):
    device = PushSubscription.objects.order_by("pk")[13].pk
    refuse("notifications_delivery", f"subscription_id <> {device} OR state <> 'sent'")
    assert push_post(post, now) == []
    assert states().pop(device) == "failed"
    assert sorted(states().values()) == ["failed"] + ["sent"] * 39
    assert Delivery.objects.get(subscription_id=device).reason == settling.UNRECORDED
    assert SliceRecord.objects.filter(post_id=post.pk, after=0, up_to=END).exists()
    assert len(service.receipts) == 40
    assert OutboxEvent.objects.filter(routing_key="push.settled").exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DataError("value too long"), True),
        (ValueError("a NUL"), True),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), True),
        (OverflowError(), True),
        (ConnectionError(), False),
        (TypeError("a fault of ours"), False),
        (KeyError("a fault of ours"), False),
    ],
)
def test_only_errors_that_a_row_can_cause_split_a_batch(error, expected):
    assert is_data_error(error) is expected


def test_a_summary_has_its_own_message():
    push = Push(7, 1, 1, "web_push", "", "", "", summary=True)
    assert push.message_id == -7


@pytest.mark.parametrize("guilty", [0, 19, 39])
def test_a_retry_whose_row_is_refused_fails_no_other(post, crowd, service, now, guilty):
    service.answer("*", 503, first=40)
    outcomes = push_post(post, now)
    forget_failures(service)
    device = PushSubscription.objects.order_by("pk")[guilty].pk
    refuse("notifications_delivery", f"subscription_id <> {device} OR state <> 'sending'")
    later = max(outcome.due_at for outcome in outcomes)
    due = [outcome.retry for outcome in outcomes]
    assert len(due) == 40
    pushing.push_again(due, task=uuid4(), clock=lambda: later)
    assert states()[device] == "failed"
    assert Delivery.objects.get(subscription_id=device).reason == "IntegrityError 23514"
    assert "sending" not in states().values()
    assert sum(state == "failed" for state in states().values()) == 1


def test_an_overdue_row_that_cannot_be_written_affects_no_other(post, crowd, now):
    claims.claim([Slice(post.pk, 0, END)], {post.pk: post}, task=uuid4(), now=now)
    device = PushSubscription.objects.order_by("pk")[5].pk
    later = now + claims.LEASE + retries.GRACE * 2
    refuse_later = f"subscription_id <> {device} OR due_at < '{later.isoformat()}'"
    refuse("notifications_delivery", refuse_later)
    due = retries.overdue(now=later)
    assert len(due) == 40
    assert [each.subscription_id for each in retries.overdue(now=later)] == [device]
    # Neither its claim nor its failure can be stored. The others are claimed.
    made = retries.claim(due, {post.pk: post}, task=uuid4(), now=later + retries.GRACE)
    assert len(made) == 39


def test_a_user_whose_cap_cannot_be_checked_affects_no_other(post, crowd, now):
    guilty = crowd[3]
    Preference.objects.update(hourly_cap=5)
    pushes = claims.claim([Slice(post.pk, 0, END)], {post.pk: post}, task=uuid4(), now=now)
    Preference.objects.update(pushed=[], pushed_at=[])
    refuse("notifications_preference", f"user_id <> {guilty.pk} OR pushed = '{{}}'")
    renewed = allowance.renew(pushes, now=now)
    assert [p.subscription_id for p in renewed] == [p.subscription_id for p in pushes]
    unwanted = {push.user_id: push.unwanted for push in renewed if push.unwanted}
    assert unwanted == {guilty.pk: "IntegrityError 23514"}
