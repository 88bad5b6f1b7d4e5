import re
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from fanout import partitions
from fanout.slices import END, Slice
from notifications import preferences
from notifications.delivery import claims
from notifications.models import Delivery, Notification, Preference
from social import posts, relations
from social.models import Post
from tests.at_once import at_once
from tests.conftest import make_user
from tests.notifications.people import with_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def device(bob, now):
    """A device of Bob's, who follows Alice."""
    return with_device(bob, now)


def claim(post: Post, now: datetime) -> list[claims.Push]:
    return claims.claim([Slice(post.pk, 0, END)], {post.pk: post}, task=uuid4(), now=now)


def prefer(user, **preferences) -> None:
    Preference.objects.filter(user=user).update(**preferences)


def test_by_default_posts_are_pushed_at_any_hour(post, device, now):
    for hour in range(24):
        Delivery.objects.all().delete()
        assert len(claim(post, now.replace(hour=hour))) == 1


def test_a_suppressed_push_is_listed_and_recorded(alice, bob, post, device, now):
    preferences.silence(bob, alice, now=now)
    assert claim(post, now) == []
    notification = Notification.objects.get(recipient=bob, post=post)
    assert (notification.held, notification.read_at) == ("author", None)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason, delivery.attempts) == ("held", "author", 0)
    assert delivery.settled_at == now
    # A redelivered task finds it settled.
    preferences.unsilence(bob, alice)
    assert claim(post, now + claims.LEASE * 2) == []


def test_silencing_one_author_does_not_affect_others(alice, bob, carol, device, now):
    relations.follow(bob, carol, now=now)
    preferences.silence(bob, alice, now=now)
    assert len(claim(posts.publish(carol, "by carol", now=now), now)) == 1
    preferences.unsilence(bob, alice)
    assert len(claim(posts.publish(alice, "by alice", now=now), now)) == 1


@pytest.mark.parametrize(
    ("zone", "begin", "end", "utc", "held"),
    [
        ("UTC", "09:00", "17:00", "08:59", False),
        ("UTC", "09:00", "17:00", "09:00", True),
        ("UTC", "09:00", "17:00", "16:59", True),
        ("UTC", "09:00", "17:00", "17:00", False),
        # Across midnight.
        ("UTC", "22:00", "07:00", "21:59", False),
        ("UTC", "22:00", "07:00", "22:00", True),
        ("UTC", "22:00", "07:00", "00:00", True),
        ("UTC", "22:00", "07:00", "06:59", True),
        ("UTC", "22:00", "07:00", "07:00", False),
        # From midnight, and until midnight.
        ("UTC", "00:00", "07:00", "23:59", False),
        ("UTC", "00:00", "07:00", "00:00", True),
        ("UTC", "22:00", "00:00", "23:59", True),
        ("UTC", "22:00", "00:00", "00:00", False),
        # By the user's local time. In January Berlin is one hour ahead of UTC, Kolkata five and a
        # half; New York is five hours behind.
        ("Europe/Berlin", "22:00", "07:00", "20:59", False),
        ("Europe/Berlin", "22:00", "07:00", "21:00", True),
        ("Europe/Berlin", "22:00", "07:00", "06:00", False),
        ("Asia/Kolkata", "22:00", "07:00", "16:30", True),
        ("Asia/Kolkata", "22:00", "07:00", "01:30", False),
        ("America/New_York", "22:00", "07:00", "03:00", True),
        ("America/New_York", "22:00", "07:00", "22:00", False),
    ],
)
def test_quiet_hours(bob, post, device, now, zone, begin, end, utc, held):
    prefer(
        bob,
        time_zone=zone,
        quiet_from=time.fromisoformat(begin),
        quiet_until=time.fromisoformat(end),
    )
    pushes = claim(post, datetime.combine(now, time.fromisoformat(utc), UTC))
    assert [delivery.reason for delivery in Delivery.objects.all()] == ["quiet hours"] * held + [
        ""
    ] * (not held)
    assert len(pushes) == (not held)


def test_quiet_hours_follow_summer_time(alice, bob, device):
    prefer(bob, time_zone="Europe/Berlin", quiet_from=time(22), quiet_until=time(7))
    summer = datetime(2026, 7, 15, 5, 0, tzinfo=UTC)
    assert len(claim(posts.publish(alice, "x", now=summer), summer)) == 1


def test_after_more_than_a_day_the_summary_is_about_an_unexpired_post(alice, bob, device, now):
    for together in (True, False):
        day = [posts.publish(alice, "x", now=now + timedelta(hours=h)) for h in (0, 1, 20, 21)]
        after = now + timedelta(hours=25, minutes=1)
        slices = [Slice(post.pk, 0, END) for post in day]
        batches = [slices] if together else [[slice_] for slice_ in slices]
        live = {post.pk: post for post in day}
        pushes = [
            push for batch in batches for push in claims.claim(batch, live, task=uuid4(), now=after)
        ]
        assert [(push.post_id, push.summary) for push in pushes] == [(day[2].pk, True)]
        now += timedelta(days=2)


def pushed_and_summed_up(pushes: list[claims.Push]) -> tuple[int, int]:
    summaries = sum(push.summary for push in pushes)
    return len(pushes) - summaries, summaries


def test_posts_beyond_the_hourly_cap_are_suppressed_until_an_hour_has_passed(
    alice, bob, device, now
):
    prefer(bob, hourly_cap=2)
    pushed = []
    for minutes in (0, 10, 20, 59, 60, 71, 72, 81):
        moment = now + timedelta(minutes=minutes)
        pushes = claim(posts.publish(alice, "x", now=moment), moment)
        pushed.append(pushed_and_summed_up(pushes))
    # The second summary comes an hour after the first one.
    assert pushed == [(1, 0), (1, 0), (0, 1), (0, 0), (1, 0), (1, 0), (0, 0), (0, 1)]
    held = Notification.objects.exclude(held=None).values_list("held", flat=True)
    assert set(held) == {"hourly cap"}
    assert len(held) == 4


def test_after_a_pause_of_the_consumer_the_cap_still_holds(alice, bob, device, now):
    prefer(bob, hourly_cap=2)
    # One post every 20 minutes, pushed late and all at once.
    written = [
        posts.publish(alice, "x", now=now + timedelta(minutes=20 * number)) for number in range(3)
    ]
    after = now + timedelta(minutes=41)
    pushes = [pushed_and_summed_up(claim(post, after)) for post in written]
    assert pushes == [(1, 0), (1, 0), (0, 1)]


def test_several_posts_of_one_task_share_the_cap(alice, bob, device, now):
    prefer(bob, hourly_cap=2)
    written = {post.pk: post for post in (posts.publish(alice, "x", now=now) for _ in range(5))}
    slices = [Slice(post_id, 0, END) for post_id in written]
    pushes = claims.claim(slices, written, task=uuid4(), now=now)
    assert [(push.post_id, push.summary) for push in sorted(pushes, key=lambda p: p.post_id)] == [
        (post_id, place == 2) for place, post_id in enumerate(sorted(written)[:3])
    ]


def test_stale_posts_of_an_outage_become_one_summary_even_without_a_cap(alice, bob, device, now):
    written = [posts.publish(alice, "x", now=now) for _ in range(3)]
    after = now + timedelta(hours=1)
    fresh = posts.publish(alice, "x", now=after)
    assert [pushed_and_summed_up(claim(post, after)) for post in written] == [
        (0, 1),
        (0, 0),
        (0, 0),
    ]
    assert pushed_and_summed_up(claim(fresh, after)) == (1, 0)
    held = Notification.objects.order_by("post_id").values_list("held", flat=True)
    assert list(held) == ["late", "late", "late", None]
    assert Delivery.objects.filter(summary=True).count() == 1


def test_a_redelivered_task_claims_the_same_pushes(alice, bob, device, now):
    prefer(bob, hourly_cap=1)
    tasks = [(posts.publish(alice, "x", now=now), uuid4()) for _ in range(3)]
    for _ in range(2):
        claimed = [
            claims.claim([Slice(post.pk, 0, END)], {post.pk: post}, task=task, now=now)
            for post, task in tasks
        ]
        assert [pushed_and_summed_up(pushes) for pushes in claimed] == [(1, 0), (0, 1), (0, 0)]


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_for_concurrent_tasks(alice, bob, device, now):
    prefer(bob, hourly_cap=3)
    waiting = [posts.publish(alice, "x", now=now) for _ in range(8)]
    for model in (Notification, Delivery):
        partitions.ensure(model._meta.db_table, [post.pk for post in waiting])
    claimed = at_once(lambda: pushed_and_summed_up(claim(waiting.pop(), now)), threads=8)
    assert sum(pushes for pushes, _ in claimed) == 3
    assert sum(summaries for _, summaries in claimed) == 1


def test_a_time_zone_unknown_to_the_database_fails_no_push(alice, bob, post, device, now):
    prefer(bob, time_zone="Mars/Olympus", quiet_from=time(22), quiet_until=time(7))
    assert len(claim(post, now)) == 1
    assert claim(posts.publish(alice, "x", now=now), now.replace(hour=23)) == []


def test_pushes_suppressed_for_another_reason_do_not_count_against_the_cap(
    alice, bob, carol, device, now
):
    relations.follow(bob, carol, now=now)
    preferences.silence(bob, carol, now=now)
    prefer(bob, hourly_cap=1)
    for _ in range(3):
        assert claim(posts.publish(carol, "x", now=now), now) == []
    assert len(claim(posts.publish(alice, "x", now=now), now)) == 1


def test_a_cap_limits_only_its_own_user(alice, bob, device, now):
    dave = make_user("dave")
    relations.follow(dave, alice, now=now)
    with_device(dave, now)
    prefer(bob, hourly_cap=1)
    for _ in range(3):
        pushes = claim(posts.publish(alice, "x", now=now), now)
    assert [push.subscription_id for push in pushes] == [dave.push_subscriptions.get().pk]


@pytest.mark.parametrize(
    "hours",
    [
        {"quiet_from": time(22), "quiet_until": None},
        {"quiet_from": None, "quiet_until": time(7)},
        {"quiet_from": time(7), "quiet_until": time(7)},
    ],
)
def test_incomplete_quiet_hours_are_refused_by_the_database(bob, device, hours):
    with pytest.raises(IntegrityError):
        prefer(bob, **hours)


@pytest.mark.parametrize(("cap", "counted"), [(None, False), (5, True)])
def test_preferences_are_locked_by_key_and_only_of_users_with_a_cap(
    bob, post, device, now, cap, counted
):
    partitions.ensure(Notification._meta.db_table, [post.pk])
    partitions.ensure(Delivery._meta.db_table, [post.pk])
    prefer(bob, hourly_cap=cap)
    slices = [Slice(post.pk, 0, END)]
    parameters = claims.claim_parameters(slices, {post.pk: post}, uuid4(), now)
    with connection.cursor() as cursor:
        # Without this the planner would read such a small table whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {claims.CLAIM}", parameters)
        plan = "\n".join(line for (line,) in cursor)
    locked = plan.partition("CTE locked")[2].partition("CTE numbered")[0]
    assert "notifications_preference_pkey" in locked  # With or without a bitmap scan.
    (rows,) = re.findall(r"LockRows \(actual rows=([0-9.]+)", locked)
    assert float(rows) == counted
