import io

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.utils import timezone

from events import healing
from events.models import DeadLetter, OutboxEvent
from events.tasks import replay_letters
from social.models import User
from tests.bus import depth

pytestmark = pytest.mark.django_db
CHANGELIST = "/admin/events/deadletter/"


@pytest.fixture
def letters() -> list[DeadLetter]:
    """Three letters with two exceptions, about posts 1 to 3."""
    return [
        DeadLetter.objects.create(
            queue="push.worker" if n == 3 else "timeline.worker",
            message_id=f"evt_{n}",
            event_type="post.created",
            subjects=[f"post_id:{n}", str(n)],
            exception_type="KeyError" if n == 3 else "ValueError",
            exception_message=f"<b>post</b> {n}",
            body=b'{"post_id": %d}' % n,
            first_failed_at=timezone.now(),
            last_failed_at=timezone.now(),
        )
        for n in (1, 2, 3)
    ]


def staff(*permissions: str) -> User:
    user = User.objects.create(username="operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def operator(client):
    client.force_login(staff("view_deadletter", "replay_deadletter", "discard_deadletter"))
    return client


def act(client, action: str, letters=(), query: str = "", **extra):
    data = {"action": action, "_selected_action": [letter.pk for letter in letters], **extra}
    return client.post(f"{CHANGELIST}{query}", data, follow=True)


def test_letters_are_listed_filtered_and_found(operator, letters):
    assert operator.get(CHANGELIST).content.decode().count("evt_") >= 3
    page = operator.get(f"{CHANGELIST}?exception_type=KeyError").content.decode()
    assert "evt_3" in page
    assert "evt_1" not in page
    for term in ("2", "post_id:2", "evt_2"):
        page = operator.get(CHANGELIST, {"q": term}).content.decode()
        assert "evt_2" in page
        assert "evt_1" not in page


def test_one_letter_is_shown_in_full_and_as_text(operator, letters):
    page = operator.get(f"{CHANGELIST}{letters[0].pk}/change/").content.decode()
    assert "&lt;b&gt;post&lt;/b&gt; 1" in page
    assert "{&quot;post_id&quot;: 1}" in page


def test_groups_count_by_exception_and_link_to_their_letters(operator, letters):
    page = operator.get(f"{CHANGELIST}groups/")
    assert [(g["exception_type"], g["count"]) for g in page.context["groups"]] == [
        ("ValueError", 2),
        ("KeyError", 1),
    ]
    link = page.content.decode().split('href="')[-2].split('"')[0]
    assert CHANGELIST in link or "groups" in link


def test_the_confirmation_page_only_counts(operator, letters, broker):
    page = act(operator, "replay_selected", letters[:2])
    assert page.context["count"] == 2
    assert depth(broker, "events.low") == 0
    assert not LogEntry.objects.exists()


def test_a_confirmed_action_is_enqueued_as_a_task_and_logged_with_its_user(
    operator, letters, broker
):
    act(operator, "replay_selected", letters[:2], confirmed="yes", rate="50")
    assert depth(broker, "events.low") == 1
    entry = LogEntry.objects.get()
    assert entry.user.username == "operator"
    assert "replay of 2 dead letters" in entry.change_message
    assert "'rate': 50" in entry.change_message


def test_all_letters_that_match_the_filter_are_replayed_without_listing_them(
    operator, letters, broker
):
    query = "?exception_type=ValueError&o=1"
    page = act(operator, "replay_selected", letters[:1], query, select_across="1")
    assert page.context["count"] == 2
    act(
        operator,
        "replay_selected",
        letters[:1],
        query,
        select_across="1",
        confirmed="yes",
        rate="50",
    )
    message = broker.channel().basic_get("events.low", no_ack=True)
    assert b'"selection": {"exception_type": "ValueError"}' in message.body
    assert "2 dead letters" in LogEntry.objects.get().change_message


@pytest.mark.parametrize("query", ["?state__exact=discarded", "?attempts=7"])
def test_an_unknown_filter_is_refused_and_not_ignored(operator, letters, broker, query):
    DeadLetter.objects.filter(pk=letters[0].pk).update(state=DeadLetter.State.DISCARDED)
    page = act(operator, "replay_selected", letters[:1], query, select_across="1")
    assert page.context.get("count", 0) == 0


def test_the_task_replays_the_selection(letters):
    replay_letters(selection={"exception_type": "ValueError"}, rate=100)
    assert sorted(OutboxEvent.objects.values_list("event_id", "exchange", "routing_key")) == [
        ("evt_1", "", "timeline.worker"),
        ("evt_2", "", "timeline.worker"),
    ]


@pytest.mark.parametrize("rate", ["", "0", "x", "1000000", "²", "-5", "1e3", "nan", "9" * 5_000])
def test_an_invalid_rate_is_refused(operator, letters, broker, rate):
    act(operator, "replay_selected", letters, confirmed="yes", rate=rate)
    assert depth(broker, "events.low") == 0


def test_a_user_with_only_the_view_permission_cannot_act(client, letters, broker):
    client.force_login(staff("view_deadletter"))
    page = client.get(CHANGELIST)
    assert page.status_code == 200
    assert b"replay_selected" not in page.content
    act(client, "replay_selected", letters, confirmed="yes", rate="5")
    act(client, "discard_selected", letters, confirmed="yes")
    assert depth(broker, "events.low") == 0
    assert not LogEntry.objects.exists()


def test_a_user_without_the_view_permission_sees_nothing(client, letters):
    client.force_login(staff())
    assert client.get(CHANGELIST).status_code == 403
    assert client.get(f"{CHANGELIST}groups/").status_code == 403


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("dead_letters", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_groups_and_shows_letters(letters):
    assert "3 open letters match" in run("list")
    assert "1 open letters match" in run("list", "--about", "2")
    assert run("groups").split()[0] == "2"
    assert '"message_id": "evt_3"' in run("show", "--exception", "KeyError")


def test_the_command_counts_first_and_acts_with_yes(letters):
    assert "2 letters would be replayed" in run("replay", "--exception", "ValueError")
    assert not OutboxEvent.objects.exists()
    assert "2 letters will be sent" in run("replay", "--exception", "ValueError", "--yes")
    assert OutboxEvent.objects.count() == 2
    assert "1 letters discarded" in run("discard", "--yes")


@pytest.mark.parametrize("marked", [0, -1, 2**63, 10**30])
def test_ids_of_no_letter_select_nothing(operator, letters, broker, marked):
    data = {"action": "discard_selected", "_selected_action": [marked], "confirmed": "yes"}
    assert operator.post(CHANGELIST, data, follow=True).status_code == 200
    replay_letters(selection={"id__in": [marked]}, rate=1)
    assert healing.select({}).count() == 3


def test_unsettled_letters_are_replayed_again(operator, letters, broker):
    DeadLetter.objects.update(
        state=DeadLetter.State.REPLAYED, replayed_at=timezone.now() - healing.UNSETTLED_AFTER
    )
    page = act(operator, "replay_selected", letters[:2])
    assert page.context["count"] == 0
    query = "?state__exact=replayed"
    assert act(operator, "replay_selected", letters[:2], query).context["count"] == 2
    page = act(operator, "replay_selected", letters[:1], query, select_across="1")
    assert page.context["count"] == 3
