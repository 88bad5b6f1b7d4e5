"""Erasing the text of deleted posts from dead letters."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from events import healing, letters
from events.errors import NotYetError
from events.models import DeadLetter, OutboxEvent, WaitingEvent
from social import erased_letters, posts
from social.models import Post
from tests.api import client_of
from tests.bus import post_created, put, work_off
from tests.events.test_processing import QUEUE, Recording

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def letter(*subjects: str, **changes) -> DeadLetter:
    values = {
        "queue": QUEUE,
        "message_id": "evt_1",
        "event_type": "post.created",
        "subjects": list(subjects),
        "body": b"words",
        "exception_message": "words",
        "traceback": "words",
        "first_failed_at": NOW - 2 * DAY,
        "last_failed_at": NOW,
    }
    return DeadLetter.objects.create(**values | changes)


def erased(row: DeadLetter) -> bool:
    """Whether all fields that may hold text are empty. Fails if only some of them are."""
    row.refresh_from_db()
    fields = bytes(row.body), row.exception_message, row.traceback
    assert fields in ((b"", "", ""), (b"words", "words", "words"))
    assert bool(row.erased_at) == (fields[0] == b"")
    return bool(row.erased_at)


@pytest.fixture
def gone(alice, now) -> int:
    """A post that was deleted two days ago."""
    post = posts.publish(alice, "hello", now=now)
    posts.delete(post, now=NOW - 2 * DAY)
    return post.pk


def test_a_letter_is_kept_until_half_a_day_after_its_post_is_deleted(gone, post, alice, now):
    lives = letter(f"post_id:{post.pk}", message_id="lives")
    fresh = letter(f"post_id:{gone}", message_id="fresh", first_failed_at=NOW - DAY / 3)
    just_now = posts.publish(alice, "hello", now=now)
    posts.delete(just_now, now=NOW - DAY / 3)
    young = letter(f"post_id:{just_now.pk}", message_id="young")
    assert erased_letters.erase(now=NOW) == 0
    assert erased_letters.erase(now=NOW + DAY / 3, batch=1) == 2
    assert (erased(lives), erased(fresh), erased(young)) == (False, True, True)


def test_a_letter_is_erased_in_any_state_and_with_odd_subjects(gone):
    rows = [
        letter(f"post_id:{gone}", message_id="open"),
        letter(f"post_id:{gone}", message_id="replayed", state="replayed"),
        letter(f"post_id:{gone}", message_id="discarded", state="discarded"),
        # Two letters with the same id and different bodies.
        letter(f"post_id:{gone}", message_id="open", body=b"other words"),
        # A post that does not exist; a name and a number that are not a post's id.
        letter("post_id:987654321", message_id="absent"),
        letter("post_id:x_id:5", f"post_id:{gone}", message_id="odd"),
        letter("post_id:9223372036854775807", f"post_id:{gone}", message_id="large"),
    ]
    assert erased_letters.erase(now=NOW) == len(rows)
    assert all(erased(row) for row in rows)


def test_a_task_about_several_posts_keeps_its_body_while_one_of_them_exists(gone, post, now):
    row = letter(
        f"post_id:{gone}", f"post_id:{post.pk}", task="timelines.write_slices", body=b"[1, 2]"
    )
    assert erased_letters.erase(now=NOW) == 1
    row.refresh_from_db()
    assert (row.exception_message, row.traceback, row.erased_at) == ("", "", None)
    assert bytes(row.body) == b"[1, 2]"
    posts.delete(post, now=NOW - DAY)
    erased_letters.erase(now=NOW)
    row.refresh_from_db()
    assert (bytes(row.body), row.erased_at) == (b"", NOW)


def test_a_letter_without_a_post_is_erased_by_age_if_it_may_hold_text(alice):
    unreadable = letter(event_type="")
    nameless = letter(f"author_id:{alice.pk}", message_id="evt_2")
    follow = letter(f"follower_id:{alice.pk}", message_id="evt_3", event_type="user.followed")
    erased_letters.erase(now=NOW + 4 * DAY)
    assert not any(map(erased, (unreadable, nameless, follow)))
    erased_letters.erase(now=NOW + 6 * DAY)
    assert (erased(unreadable), erased(nameless), erased(follow)) == (True, True, False)


@pytest.mark.django_db(transaction=True)
def test_a_letter_whose_replay_fails_after_it_was_erased_stays_empty(broker, gone):
    failing = Recording({gone: ValueError("words")})
    body = post_created(gone, event_id="evt_1")
    put(broker, QUEUE, body, type="post.created")
    work_off(failing.subscriber, 1)
    healing.replay(healing.select({}))
    later = timezone.now() + DAY
    erased_letters.erase(now=later)
    # The replayed message arrives only now.
    put(broker, QUEUE, body, type="post.created", headers={letters.REPLAY_HEADER: "1"})
    work_off(failing.subscriber, 1)
    row = DeadLetter.objects.get()
    assert (row.state, row.exception_message, bytes(row.body)) == ("open", "words", b"")
    erased_letters.erase(now=later)
    row.refresh_from_db()
    assert (row.exception_message, row.traceback) == ("", "")
    assert healing.replay(healing.select({})) == 0
    assert healing.discard(healing.select({})) == 1


def test_the_admin_does_not_replay_an_erased_letter_but_discards_it(admin_client, gone, alice):
    row = letter(f"post_id:{gone}")
    erased_letters.erase(now=NOW)
    chosen = {"action": "replay_selected", "_selected_action": [row.pk]}
    url = reverse("admin:events_deadletter_changelist")
    assert b"Replay 0 dead letters?" in admin_client.post(url, chosen).content
    asked = admin_client.post(url, chosen | {"action": "discard_selected"})
    assert b"Discard 1 dead letters?" in asked.content
    page = admin_client.get(reverse("admin:events_deadletter_change", args=[row.pk]))
    assert not re.search(rb"\bwords\b", page.content)
    # The search still finds it by its subject.
    assert b"evt_1" in admin_client.get(url, {"q": f"post_id:{gone}"}).content


@pytest.mark.django_db(transaction=True)
def test_operators_see_no_text_of_a_deleted_post_that_is_still_stored(broker, admin_client, alice):
    """The text is in the outbox, in an event that is set aside, and in a dead letter. No list, page
    or command shows it."""
    ids = [posts.publish(alice, "wordily", now=timezone.now()).pk for _ in range(2)]
    for event in OutboxEvent.objects.all():
        put(broker, QUEUE, bytes(event.body), type="post.created")
    failing = Recording({ids[0]: ValueError("wordily"), ids[1]: NotYetError("not yet")})
    work_off(failing.subscriber, 2)
    urls = []
    for model in (OutboxEvent, WaitingEvent, DeadLetter):
        name = f"admin:events_{model._meta.model_name}"
        urls += [reverse(f"{name}_change", args=[row.pk]) for row in model.objects.all()]
        urls.append(reverse(f"{name}_changelist"))

    def showing() -> int:
        printed = io.StringIO()
        for verb in ("list", "show"):
            call_command("dead_letters", verb, stdout=printed)
        pages = [admin_client.get(url).content.decode() for url in urls]
        return sum("wordily" in text for text in (*pages, printed.getvalue()))

    # All pages but the lists of the outbox and of waiting events; and the command.
    assert showing() == len(urls) - 2 + 1
    for pk in ids:
        posts.delete(Post(pk=pk, author=alice), now=timezone.now())
    assert showing() == 0
    assert sum(b"wordily" in bytes(event.body) for event in OutboxEvent.objects.all()) == 2


def test_every_way_of_deleting_a_post_erases_its_text(admin_client, alice, now):
    for way in (
        lambda post: posts.delete(post, now=now),
        lambda post: alice.posts.filter(pk=post.pk).update(deleted_at=now),
        lambda post: client_of(alice).delete(f"/api/v1/posts/{post.pk}/"),
        lambda post: admin_client.post(
            reverse("admin:social_post_delete", args=[post.pk]), {"post": "yes"}
        ),
    ):
        post = posts.publish(alice, "words", now=now)
        way(post)
        post.refresh_from_db()
        assert (bool(post.deleted_at), post.content) == (True, "")
