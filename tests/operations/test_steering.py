"""The actions of operators on the operations page."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.utils import timezone

from events import pausing
from operations.steering import ACTIONS
from tests.bus import depth

pytestmark = pytest.mark.django_db
PAGE = "/admin/operations/status/"


@pytest.fixture
def steer(admin_client):
    """Fill in an action's form and confirm it; return the next page."""

    def fill(name: str, **values):
        url = f"{PAGE}steer/{name}/"
        assert admin_client.get(url).status_code == 200
        asked = admin_client.post(url, values).content.decode()
        assert "Really?" in asked
        return admin_client.post(url, values | {"confirmed": "yes"}, follow=True)

    return fill


def test_push_is_paused_for_ten_minutes_and_resumed(steer, broker):
    page = steer("pause", subscriber="notifications", minutes="10").content.decode()
    assert "<strong>notifications is paused</strong> until" in page
    left = pausing.paused()["notifications"] - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    page = steer("resume", subscriber="notifications").content.decode()
    assert "is paused</strong>" not in page
    assert [entry.change_message for entry in LogEntry.objects.order_by("id")] == [
        "Pause a subscriber: notifications is paused for 10 minutes.",
        "Resume a subscriber: notifications is not paused.",
    ]


def test_nothing_is_done_before_it_is_confirmed(admin_client):
    admin_client.post(f"{PAGE}steer/pause/", {"subscriber": "timelines"})
    assert pausing.paused() == {}
    assert not LogEntry.objects.exists()


def test_a_post_is_repaired(steer, broker, post, bob):
    page = steer("repair", post_id=post.pk).content.decode()
    assert "1 of timelines, 1 of notifications" in page
    assert depth(broker, "timelines.low") == 1


def test_a_timeline_is_rebuilt_and_expired_partitions_are_dropped(steer, broker, bob):
    assert "is being filled in" in steer("rebuild", user_id=bob.pk).content.decode()
    assert depth(broker, "timelines.low") == 1
    assert "are being dropped" in steer("drop").content.decode()
    assert depth(broker, "operations.low") == 1


def test_an_action_that_fails_is_reported(steer, broker, settings):
    assert "Not done: There is no post 99" in steer("repair", post_id=99).content.decode()
    assert not LogEntry.objects.exists()


def test_invalid_values_and_actions_are_refused(admin_client):
    assert admin_client.get(f"{PAGE}steer/explode/").status_code == 404
    for values in ({"subscriber": "x"}, {"subscriber": "timelines", "minutes": "0"}):
        page = admin_client.post(f"{PAGE}steer/pause/", values | {"confirmed": "yes"})
        assert page.status_code == 200
    assert pausing.paused() == {}


@pytest.mark.parametrize(
    ("group", "may_view", "may_steer"),
    [
        ("viewer", True, False),
        ("operator", True, True),
        ("admin", True, True),
        (None, False, False),
    ],
)
def test_each_group_may_do_what_its_permissions_allow(
    client, alice, broker, group, may_view, may_steer
):
    alice.is_staff = True
    alice.save()
    if group:
        alice.groups.add(Group.objects.get(name=group))
    client.force_login(alice)
    assert (client.get(PAGE).status_code == 200) == may_view
    for name in ACTIONS:
        allowed = may_steer and (name != "drop" or group == "admin")
        assert (client.get(f"{PAGE}steer/{name}/").status_code == 200) == allowed
    letters = client.get("/admin/events/deadletter/")
    assert (letters.status_code == 200) == may_view
    assert (b"replay_selected" in letters.content) == may_steer
    assert (client.get("/admin/auth/group/").status_code == 200) == (group == "admin")
