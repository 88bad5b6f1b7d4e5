import json
from datetime import timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pytest

from devtools.push_service import decrypt_all
from events.models import OutboxEvent
from fanout.models import Horizon
from fanout.slices import END, Slice
from notifications.delivery import claims, messages, pushing, retries, settling
from notifications.delivery.messages import topic
from notifications.delivery.outcomes import Outcome
from notifications.delivery.suppression import TTL
from notifications.models import Delivery, Notification, Preference, PushSubscription
from social import posts, relations
from social.models import Post, User
from tests.notifications.conftest import forget_failures, register

pytestmark = pytest.mark.django_db


def whole(post) -> list[Slice]:
    return [Slice(post.pk, 0, END)]


def push_post(post, now, task=None):
    """Make the first round of pushes of the post."""
    return pushing.push_slices(whole(post), task=task or uuid4(), clock=lambda: now)


def push_retries(outcomes, now, task=None):
    """Make the next round, at a time when all outcomes are due."""
    due = [outcome.retry for outcome in outcomes]
    now = max([now, *(outcome.due_at for outcome in outcomes)])
    return pushing.push_again(due, task=task or uuid4(), clock=lambda: now)


def claim(post, now, task):
    """Claim the post's pushes, as a sender does before it dies."""
    live = Post.objects.select_related("author").in_bulk([post.pk])
    assert claims.claim(whole(post), live, task=task, now=now)


def test_the_event_says_how_long_each_push_took(post, bob, device, service, now):
    push_post(post, now + timedelta(seconds=2))
    event = OutboxEvent.objects.get(routing_key="push.settled")
    data = msgspec.json.decode(event.body)["data"]
    assert (data["latency_ms"], data["refused"], data["expired"]) == ([2_000], 0, 0)


def settled() -> list[tuple[int, int]]:
    events = OutboxEvent.objects.filter(routing_key="push.settled").order_by("id")
    data = [msgspec.json.decode(event.body)["data"] for event in events]
    return [(each["sent"], each["failed"]) for each in data]


def test_a_follower_with_a_device_gets_one_push(post, bob, device, service, now):
    assert push_post(post, now) == []
    assert push_post(post, now) == []
    (receipt,) = service.receipts.of(device.token)
    report = decrypt_all([receipt], [device])
    ((_, plaintext),) = report.opened
    assert json.loads(plaintext) == {
        "title": "alice",
        "body": "Hello world!",
        "tag": topic("post", post.pk),
        "post_id": post.pk,
    }
    assert (receipt.topic, receipt.urgency) == (topic("post", post.pk), "high")
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.provider_status) == ("sent", 1, 201)
    assert settled() == [(1, 0)]


def test_a_user_without_a_device_gets_the_notification(post, bob, now):
    Preference.objects.create(user=bob)
    push_post(post, now)
    assert Notification.objects.get().recipient_id == bob.pk
    assert not Delivery.objects.exists()


def test_a_user_without_preferences_gets_no_notification(post, bob, now):
    push_post(post, now)
    assert not Notification.objects.exists()


@pytest.mark.parametrize("why", ["deleted", "muted", "unfollowed", "off"])
def test_an_unwanted_push_is_not_sent(alice, bob, post, device, service, now, why):
    if why == "deleted":
        posts.delete(post, now=now)
    elif why == "muted":
        relations.mute(bob, alice, now=now)
    elif why == "unfollowed":
        relations.unfollow(bob, alice)
    else:
        Preference.objects.update(push_enabled=False)
    push_post(post, now)
    assert service.receipts.of(device.token) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_gone_subscription_is_removed(post, device, service, now, status):
    service.answer(device.token, status)
    assert push_post(post, now) == []
    assert not PushSubscription.objects.exists()
    assert Delivery.objects.get().state == "refused"
    assert settled() == [(0, 1)]


@pytest.mark.parametrize("status", [400, 406, 413])
def test_a_refused_push_is_not_retried_and_the_device_stays(post, device, service, now, status):
    service.answer(device.token, status)
    assert push_post(post, now) == []
    row = Delivery.objects.get()
    assert (row.state, row.reason) == ("refused", f"answered {status}")
    assert PushSubscription.objects.exists()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 413, 418, 451])
def test_a_4xx_with_retry_after_is_retried(post, device, service, now, status):
    service.answer(device.token, status, retry_after=77, first=1)
    first = push_post(post, now)
    assert Delivery.objects.get().due_at == now + timedelta(seconds=77)
    assert push_retries(first, now) == []
    assert Delivery.objects.get().state == "sent"


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejection_is_final_after_three_attempts_if_another_user_is_accepted(
    alice, bob, carol, post, device, service, now, status
):
    relations.follow(carol, alice, now=now)
    register(carol, service, now)
    service.answer(device.token, status)
    attempts = push_post(post, now)
    while attempts:
        attempts = push_retries(attempts, now)
    row = Delivery.objects.get(recipient_id=bob.pk)
    assert (row.state, row.attempts, row.reason) == ("refused", 3, f"answered {status}")
    assert PushSubscription.objects.count() == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejection_is_retried_while_nobody_else_is_accepted(post, device, service, now, status):
    service.answer(device.token, status)
    attempts = push_post(post, now)
    for _ in range(5):
        attempts = push_retries(attempts, now)
    assert Delivery.objects.get().state == "retrying"
    service.answer(device.token, 201)
    assert push_retries(attempts, now) == []
    assert Delivery.objects.get().state == "sent"


@pytest.mark.parametrize("how", [408, 429, 500, 503, "reset", "garbage"])
def test_a_temporary_failure_is_retried_until_it_is_sent(post, device, service, now, how):
    service.answer(device.token, how, first=1)
    first = push_post(post, now)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.settled_at) == ("retrying", 1, None)
    assert now < row.due_at <= now + timedelta(seconds=3)
    assert settled() == []
    assert push_retries(first, now) == []
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.due_at) == ("sent", 2, None)
    assert settled() == [(1, 0)]


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(post, device, service, now, as_date):
    later = now + timedelta(seconds=77)
    service.answer(
        device.token, 429, retry_after=format_datetime(later, usegmt=True) if as_date else 77
    )
    (outcome,) = push_post(post, now)
    assert outcome.due_at == Delivery.objects.get().due_at == later


def test_a_push_whose_retry_would_be_too_late_expires(post, device, service, now):
    service.answer(device.token, 503, retry_after=86_400)
    assert push_post(post, now) == []
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.due_at) == ("expired", "answered 503", None)
    assert settled() == [(0, 1)]


def test_an_expired_push_is_counted_and_not_sent(post, device, service, now):
    claim(post, now, uuid4())
    row, later = Delivery.objects.get(), now + TTL
    due = [retries.Retry(post.pk, row.subscription_id, row.attempts)]
    assert pushing.push_again(due, task=uuid4(), clock=lambda: later) == []
    assert service.receipts.of(device.token) == []
    assert Delivery.objects.get().state == "expired"
    assert settled() == [(0, 1)]


def test_the_ttl_is_the_time_until_the_push_expires(post, device, service, now):
    push_post(post, now + timedelta(hours=23))
    assert service.receipts.of(device.token)[0].ttl == "3600"


def test_a_failing_device_does_not_affect_others(post, bob, device, service, now):
    other = register(bob, service, now)
    service.answer(device.token, 500)
    (outcome,) = push_post(post, now)
    assert len(service.receipts.of(other.token)) == 1
    assert outcome.push.endpoint.endswith(device.token)


def test_a_device_with_unusable_keys_does_not_affect_others(post, bob, device, service, now):
    broken = register(bob, service, now)
    PushSubscription.objects.filter(endpoint__endswith=broken.token).update(p256dh="AAAA")
    assert push_post(post, now) == []
    assert len(service.receipts.of(device.token)) == 1
    states = Delivery.objects.order_by("subscription_id").values_list("state", flat=True)
    assert list(states) == ["sent", "failed"]


def test_a_redelivered_task_takes_its_own_claims_over(post, device, service, now):
    task = uuid4()
    claim(post, now, task)
    assert push_post(post, now) == []
    assert service.receipts.of(device.token) == []
    assert push_post(post, now, task) == []
    assert len(service.receipts.of(device.token)) == 1
    assert Delivery.objects.get().attempts == 2


def test_a_push_claimed_by_a_dead_sender_is_sent_after_its_lease(post, device, service, now):
    claim(post, now, uuid4())
    assert retries.overdue(now=now + claims.LEASE) == []
    later = now + claims.LEASE + retries.GRACE * 2
    due = retries.overdue(now=later)
    # Overdue pushes that were found are not found again at once.
    assert retries.overdue(now=later) == []
    later += timedelta(seconds=1)
    pushing.push_again(due, task=uuid4(), clock=lambda: later)
    assert len(service.receipts.of(device.token)) == 1
    assert Delivery.objects.get().attempts == 2


def test_a_retry_whose_task_was_lost_is_found_when_it_is_overdue(post, device, service, now):
    service.answer(device.token, 429, retry_after=600, first=1)
    (lost,) = push_post(post, now)
    assert retries.overdue(now=lost.due_at + retries.GRACE) == []
    assert retries.overdue(now=lost.due_at + retries.GRACE * 2) == [lost.retry]


def test_two_tasks_for_one_retry_make_one_attempt(post, device, service, now):
    service.answer(device.token, 500, first=2)
    first = push_post(post, now)
    second = push_retries(first, now)
    # The second attempt failed as well. A duplicate of its task must not make the third.
    assert push_retries(first, now) == []
    assert len(service.receipts.of(device.token)) == 2
    assert push_retries(second, now) == []
    assert len(service.receipts.of(device.token)) == 3


def test_a_task_that_lost_its_claim_settles_nothing(post, device, service, now):
    task = uuid4()
    claim(post, now, task)
    live = Post.objects.select_related("author").in_bulk([post.pk])
    (stale,) = claims.claim(whole(post), live, task=task, now=now)
    claims.claim(whole(post), live, task=task, now=now)
    failed = Outcome(stale, "refused", now)
    assert settling.settle([failed], live, now=now) == []
    assert Delivery.objects.get().state == "sending"
    assert settled() == []


def test_a_task_whose_retry_was_postponed_meanwhile_is_a_duplicate(post, device, service, now):
    claim(post, now, uuid4())
    row, live = Delivery.objects.get(), Post.objects.select_related("author").in_bulk([post.pk])
    push = claims.Push(post.pk, row.subscription_id, 1, "web_push", None, None, None)
    later = now + timedelta(seconds=20)
    put_off = Outcome(push, "retrying", now, due_at=later, charged=False)
    assert settling.settle([put_off], live, now=now) == [put_off]
    # It does not count as an attempt, so both tasks carry zero attempts.
    for moment, claimed in [(now, 0), (later, 1), (later, 0)]:
        made = retries.claim([put_off.retry], live, task=uuid4(), now=moment)
        assert len(made) == claimed


def test_an_outcome_settles_only_its_own_attempt(alice, post, bob, device, service, now):
    for _ in range(2):
        register(bob, service, now)
    task = uuid4()
    claim(post, now, task)
    first, second, third = Delivery.objects.order_by("subscription_id")
    Delivery.objects.filter(pk=first.pk).update(attempts=2)
    live = Post.objects.select_related("author").in_bulk([post.pk])

    def outcome(row, attempt, state, **more):
        push = claims.Push(post.pk, row.subscription_id, attempt, "web_push", None, None, None)
        return Outcome(push, state, now, **more)

    lost = outcome(first, 1, "failed", reason="lost its claim")
    counted = [
        outcome(first, 2, "sent", status=201),
        outcome(second, 1, "retrying", reason="later", due_at=now + timedelta(seconds=5)),
        outcome(third, 1, "refused", reason="never"),
    ]
    settled = settling.settle([lost, *counted], live, now=now)
    assert sorted(settled, key=lambda each: each.push.subscription_id) == counted
    rows = Delivery.objects.order_by("subscription_id").values_list("state", "reason", "due_at")
    assert list(rows) == [
        ("sent", "", None),
        ("retrying", "later", now + timedelta(seconds=5)),
        ("refused", "never", None),
    ]


def test_a_push_whose_senders_die_is_sent_ever_more_rarely(post, device, service, now):
    claim(post, now, uuid4())
    moment, live, claimed = now, Post.objects.in_bulk([post.pk]), 0
    while (moment := Delivery.objects.get().due_at + timedelta(seconds=90)) < now + TTL:
        due = retries.overdue(now=moment)
        claimed += len(retries.claim(due, live, task=uuid4(), now=moment + timedelta(seconds=1)))
    assert 5 < claimed < 20


UNWANTED = {
    "post": ("the post was deleted", lambda case: posts.delete(case.post, now=case.now)),
    "author": (
        "the author's account is closed",
        lambda case: User.objects.filter(pk=case.alice.pk).update(is_active=False),
    ),
    "follow": ("the follow has ended", lambda case: relations.unfollow(case.bob, case.alice)),
    "block": (
        "the follow has ended",
        lambda case: relations.block(case.alice, case.bob, now=case.now),
    ),
    "mute": (
        "the author was muted",
        lambda case: relations.mute(case.bob, case.alice, now=case.now),
    ),
    "preference": (
        "push was switched off",
        lambda case: Preference.objects.update(push_enabled=False),
    ),
    "device": ("the device was removed", lambda case: PushSubscription.objects.all().delete()),
    "owner": (
        "the device was removed",
        lambda case: PushSubscription.objects.update(user=case.alice),
    ),
}


@pytest.mark.parametrize("change", UNWANTED)
@pytest.mark.parametrize("how", ["retried", "overdue"])
def test_a_push_that_became_unwanted_is_refused_with_the_reason(
    alice, bob, post, device, service, now, change, how
):
    service.answer(device.token, 500)
    if how == "retried":
        (outcome,) = push_post(post, now)
        due, now = [outcome.retry], outcome.due_at
    else:
        claim(post, now, uuid4())
        now += claims.LEASE * 2
        due = retries.overdue(now=now - timedelta(seconds=1))
    sent = len(service.receipts)
    reason, act = UNWANTED[change]
    act(SimpleNamespace(alice=alice, bob=bob, post=post, now=now))
    assert pushing.push_again(due, task=uuid4(), clock=lambda: now) == []
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.due_at) == ("refused", reason, None)
    assert len(service.receipts) == sent
    assert settled() == [(0, 1)]


def test_a_post_below_the_horizon_notifies_nobody(post, bob, device, service, now):
    Horizon.objects.create(table_name=Notification._meta.db_table, post_id=post.pk + 1)
    assert push_post(post, now) == []
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "9" * 400,
        "-1",
        "1.5",
        "soon",
    ],
)
def test_a_strange_retry_after_does_not_keep_a_push_from_settling(
    post, bob, device, service, now, text
):
    others = [register(bob, service, now) for _ in range(5)]
    service.answer(device.token, 503, retry_after=text)
    push_post(post, now)
    states = list(Delivery.objects.order_by("subscription_id").values_list("state", flat=True))
    assert states[0] in ("retrying", "expired")
    assert states[1:] == ["sent"] * 5
    assert all(len(service.receipts.of(other.token)) == 1 for other in others)


@pytest.mark.parametrize("how", ["reset", "garbage", "hang", 500, 404])
def test_no_reason_and_no_log_line_contains_an_address(
    post, bob, device, service, now, how, caplog
):
    service.answer(device.token, how)
    register(bob, service, now)
    PushSubscription.objects.filter(endpoint__endswith=device.token).update(
        auth="AAAA" * (how == 404)
    )
    pushing.push_slices(whole(post), task=uuid4(), clock=lambda: now)
    logged = " ".join(Delivery.objects.values_list("reason", flat=True)) + caplog.text
    assert device.token not in logged
    assert service.origin not in logged
    assert not {"sending"} & set(Delivery.objects.values_list("state", flat=True))


def test_a_retry_after_an_hour_counts_against_the_cap_again(alice, bob, device, service, now):
    Preference.objects.update(hourly_cap=2)
    service.answer("*", 503)
    # Two pushes in each of three hours; all are retried when the service works again.
    due = []
    for minutes in (0, 10, 61, 71, 122, 132):
        moment = now + timedelta(minutes=minutes)
        due += push_post(posts.publish(alice, "x", now=moment), moment)
    service.answers.forget("*")
    service.receipts.clear()
    forget_failures(service)
    later = now + timedelta(minutes=133)
    assert push_retries(due, later) == []
    titles = [
        json.loads(text)["title"] for _, text in decrypt_all(service.receipts, [device]).opened
    ]
    assert sorted(titles) == ["Connectify", "alice", "alice"]
    held = Delivery.objects.filter(state="held").values_list("reason", flat=True)
    assert list(held) == ["hourly cap"] * 3


def test_one_summary_replaces_the_pushes_beyond_the_cap(alice, bob, device, service, now):
    Preference.objects.update(hourly_cap=1)
    for _ in range(4):
        push_post(posts.publish(alice, "x", now=now), now)
    first, summary = (
        json.loads(text) for _, text in decrypt_all(service.receipts, [device]).opened
    )
    assert first["title"] == "alice"
    assert (summary["title"], summary["body"]) == ("Connectify", messages.SUMMARY)
    assert summary["tag"] == topic("more", 0)


def test_a_failed_summary_is_retried_as_a_summary(alice, bob, device, service, now):
    Preference.objects.update(hourly_cap=1)
    push_post(posts.publish(alice, "x", now=now), now)
    service.answer(device.token, 503, first=1)
    due = push_post(posts.publish(alice, "x", now=now), now)
    assert push_retries(due, now + timedelta(seconds=30)) == []
    opened = decrypt_all(service.receipts, [device]).opened
    assert [json.loads(text)["title"] for _, text in opened] == ["alice", "Connectify"]
