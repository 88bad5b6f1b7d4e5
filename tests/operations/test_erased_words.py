"""Searches every table and queue for the text of a deleted post, as time passes."""

import os
from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.utils import timezone
from django_celery_results.models import TaskResult

import events.tasks
import operations.tasks
from celery_app import app
from events import healing, topology
from events.errors import NotYetError
from events.models import DeadLetter, OutboxEvent, WaitingEvent
from events.publisher import Publisher
from events.registry import subscribers
from events.relay import relay_batch
from social import accounts, addresses, erasure, forgotten_passwords, posts
from social.models import Post, User
from tests.api import PASSWORD, client_of
from tests.bus import work_off
from tests.events.test_processing import Recording

pytestmark = pytest.mark.django_db(transaction=True)
POSTS = "/api/v1/posts/"
# For each post: its first text, its text after an edit, and that of the exception that it causes.
# The others are in a profile.
WORDS = ("glockenspiel", "xylophone", "vibraphone", "marimba", "celesta")
TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition
"""
# Bytes are shown as hexadecimal digits.
HOLDS = """
    SELECT EXISTS (SELECT FROM {table} AS looked
                   WHERE strpos(looked::text, %(word)s) > 0
                         OR strpos(looked::text, encode(%(word)s::bytea, 'hex')) > 0)
"""
TIMES = """
    SELECT table_name, string_agg(format('%%1$I = %%1$I - %%2$L::interval', column_name, %s), ', ')
    FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
          AND (table_name ~ '^(events|social)_' OR table_name = 'django_celery_results_taskresult')
    GROUP BY table_name
"""


def tables() -> set[str]:
    """Return the tables in which any of the words is found, in any column."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        names = [name for (name,) in cursor.fetchall()]
        assert len(names) > 30
        found = set()
        for name in names:
            for word in WORDS:
                cursor.execute(HOLDS.format(table=name), {"word": word})
                if cursor.fetchone()[0]:
                    found.add(name)
        return found


def queues(broker) -> set[str]:
    """Return the queues with a message that contains any of the words."""
    names = [subscriber.queue for subscriber in subscribers.values()]
    found = set()
    with broker.channel() as channel:
        for name in [*names, *app.amqp.queues, topology.DEAD_QUEUE_NAME]:
            while message := channel.basic_get(name):
                text = f"{message.body} {message.properties} {message.headers}"
                if any(word in text for word in WORDS):
                    found.add(name)
    return found  # Closing the channel has requeued the messages.


def pass_time(delta: timedelta) -> None:
    """Move all stored times into the past, and run the periodic tasks."""
    with connection.cursor() as cursor:
        cursor.execute(TIMES, [f"{delta.total_seconds()} seconds"])
        for table, changes in cursor.fetchall():
            cursor.execute(f"UPDATE {table} SET {changes}")
    events.tasks.prune()
    operations.tasks.prune()


def publish() -> None:
    publisher = Publisher(os.environ["BROKER_URL"])
    while relay_batch(publisher):
        pass
    publisher.close()


@pytest.fixture
def everywhere(broker, alice, bob) -> list[int]:
    """Two posts whose text is in every place that text gets to. The event of one is a dead letter
    that was replayed and failed again; the event of the other is set aside."""
    client = client_of(alice)
    ids = []
    for key in ("one", "two"):
        answer = client.post(
            POSTS, {"content": WORDS[0]}, format="json", headers={"Idempotency-Key": key}
        )
        ids.append(answer.json()["id"])
        client.patch(f"{POSTS}{ids[-1]}/", {"content": WORDS[1]}, format="json")
    publish()
    failing = Recording({ids[0]: ValueError(WORDS[2]), ids[1]: NotYetError(WORDS[2])})
    work_off(failing.subscriber, 4)
    healing.replay(healing.select({}))
    publish()
    work_off(failing.subscriber, 1)
    TaskResult.objects.create(
        task_id="a-task",
        status="FAILURE",
        result=WORDS[2],
        traceback=WORDS[2],
        date_done=timezone.now(),
    )
    DeadLetter.objects.create(
        queue="timelines.high",
        message_id="a-task",
        task="timelines.write_slices",
        subjects=[f"post_id:{ids[0]}", str(ids[0])],
        body=b"[]",
        exception_message=WORDS[2],
        traceback=WORDS[2],
        first_failed_at=timezone.now(),
        last_failed_at=timezone.now(),
    )
    return ids


EVENTS = {"events_outboxevent", "events_waitingevent"}
FAILURES = {"events_deadletter", "django_celery_results_taskresult"}


def test_the_text_of_a_deleted_post_is_gone_after_each_limit(broker, alice, everywhere):
    assert tables() == {"social_post", *EVENTS, *FAILURES}
    assert queues(broker) == {"push.worker", "analytics.worker"}
    for pk in everywhere:
        assert client_of(alice).delete(f"{POSTS}{pk}/").status_code == 204
    # Gone at once: the post's row (and so the API and the admin), and the answer that is stored for
    # its idempotency key.
    assert tables() == {*EVENTS, *FAILURES}
    for each in ("notifications", "analytics"):
        work_off(subscribers[each], 4)
    assert queues(broker) == set()
    before = {letter.pk: letter.headers for letter in DeadLetter.objects.all()}
    pass_time(timedelta(hours=24))
    assert tables() == EVENTS
    letters = DeadLetter.objects.all()
    assert {letter.pk: letter.headers for letter in letters} == before
    assert all(letter.exception_type or letter.task for letter in letters)
    assert healing.replay(healing.select({})) == 0
    assert healing.discard(healing.select({})) == 2
    # The event that waited for days has become a letter, and loses its body too.
    pass_time(timedelta(days=6, hours=6))
    assert not WaitingEvent.objects.exists()
    pass_time(timedelta(hours=13))
    assert tables() == set()
    assert not OutboxEvent.objects.exclude(routing_key="post.deleted").exists()


def test_the_text_of_a_closed_account_is_gone_after_each_limit(broker, alice, everywhere):
    now = timezone.now()
    accounts.close(alice, now=now)
    erasure.erase_all(now=now)
    assert tables() == {*EVENTS, *FAILURES}
    pass_time(timedelta(hours=24))
    assert tables() == EVENTS
    pass_time(timedelta(days=6, hours=6))
    pass_time(timedelta(hours=13))
    assert tables() == set()


def test_the_text_of_an_existing_post_stays_until_it_is_deleted(broker, alice, everywhere):
    pass_time(timedelta(days=8))
    assert "events_deadletter" in tables()
    assert healing.replayable(healing.select({})).exists()
    for post in Post.objects.all():
        posts.delete(post, now=timezone.now())
    pass_time(timedelta(hours=24))
    assert tables() == set()


def test_name_and_address_of_a_closed_account_are_found_nowhere(broker, admin_client, now):
    """Neither in accounts, profiles, waiting mails and stored answers, nor in the admin's log."""
    name, address, wanted = WORDS[0], f"{WORDS[1]}@example.com", f"{WORDS[2]}@example.com"
    user = User.objects.create_user(name, address, PASSWORD)
    client = client_of(user)
    client.post(POSTS, {"content": "hi"}, format="json", headers={"Idempotency-Key": "one"})
    client.put(
        "/api/v1/accounts/email/",
        {"email": wanted, "current_password": PASSWORD},
        format="json",
    )
    said = {"display_name": WORDS[3], "bio": f"plays the {WORDS[4]}"}
    client.patch("/api/v1/accounts/me/", said, format="json")
    forgotten_passwords.request(address, now=now)
    addresses.send_due(now=now)
    for model, pk in (("user", user.pk), ("token", user.auth_token_set.get().pk)):
        admin_client.post(f"/admin/social/{model}/{pk}/delete/", {"post": "yes"})
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, change_message=[])
    assert tables() >= {"social_user", "social_profile", "django_admin_log"}
    accounts.close(user, now=now)
    assert tables() == set()
