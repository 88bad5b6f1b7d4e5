from contextlib import suppress

import pytest

from notifications import preferences
from social import accounts, profiles
from social.models import Profile, User
from tests.api import assert_problem, client_of
from tests.at_once import at_once
from tests.conftest import make_user
from tests.notifications.people import with_device

pytestmark = pytest.mark.django_db
ME = "/api/v1/accounts/me/"
FAMILY = "👩\u200d👩\u200d👧"


def change(user, **fields):
    return client_of(user).patch(ME, fields, format="json")


def test_what_somebody_says_about_themselves_is_shown(alice, bob, django_assert_num_queries):
    given = {
        "display_name": "Alice A.",
        "bio": "Birds,\nbees",
        "language": "pt-BR",
        "time_zone": "Europe/Vienna",
    }
    answer = change(alice, **given).json()
    assert {name: answer[name] for name in given} == given | {"language": "pt-br"}
    assert client_of(alice).get(ME).json() == answer
    client = client_of(bob)
    client.get(f"/api/v1/users/{alice.pk}/")
    # The token, the person with her profile, what she is to Bob, who is silenced, the counts.
    with django_assert_num_queries(5):
        shown = client.get(f"/api/v1/users/{alice.pk}/").json()
    assert (shown["display_name"], shown["bio"]) == ("Alice A.", "Birds,\nbees")
    assert not {"language", "time_zone", "email"} & shown.keys()
    assert client.get("/api/v1/users/lookup/?username=alice").json() == shown


def test_a_change_changes_the_given_fields_alone(alice):
    change(alice, display_name="Alice", bio="Birds")
    assert change(alice, bio="").json()["display_name"] == "Alice"
    profile = Profile.objects.get()
    assert (profile.display_name, profile.bio, profile.time_zone) == ("Alice", "", "UTC")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("display_name", text)
            for text in ("a\nb", "a\tb", "a\u2028b", "\u3164", "\u2066\u2069")
        ),
        *(("bio", text) for text in ("a\rb", "a\x1b[31m", "\u200b", "\u2069\u2066")),
        *(
            (field, text)
            for field in ("display_name", "bio")
            for text in ("a\u202eb", "a\u2066", 5)
        ),
        *(("display_name", text) for text in ("x" * 51, FAMILY * 51, "e" + "\u0301" * 250, None)),
        *(("bio", text) for text in ("x" * 501, "e" + "\u0301" * 2_500, None)),
        *(("language", text) for text in ("xx", "de-", "d e", "x" * 21, "\x00", None)),
        *(("time_zone", text) for text in ("Mars/Olympus", "", "FOO5", "x" * 65, None)),
        *((field, "a") for field in ("email", "username", "new_email", "followers")),
    ],
)
def test_what_nobody_may_say_is_refused(alice, field, value):
    assert_problem(change(alice, **{field: value}), 400, field)
    assert not Profile.objects.exists()
    assert User.objects.get().username == "alice"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("display_name", text) for text in ("x" * 50, FAMILY * 50, "\u2066\u05d0\u2069 b", "")),
        *(("bio", text) for text in ("x" * 500, FAMILY * 500, "a\n\tb", "")),
        ("language", ""),
    ],
)
def test_lengths_are_counted_in_characters_as_people_see_them(alice, field, value):
    answer = change(alice, **{field: value})
    assert answer.status_code == 200, answer.content
    assert answer.json()[field] == value
    assert getattr(Profile.objects.get(), field) == value


def test_a_change_of_nothing_is_refused(alice):
    assert_problem(change(alice), 400)


def test_a_closed_account_has_no_profile(alice, now):
    change(alice, display_name="Alice")
    accounts.close(alice, now=now)
    assert not Profile.objects.exists()
    # A request that had been authenticated before.
    with pytest.raises(User.DoesNotExist):
        profiles.change(alice, {"display_name": "Alice"})
    assert not Profile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_change_at_the_moment_of_closing_leaves_a_profile(now):
    for number in range(5):
        user = make_user(f"user-{number}")
        actions = iter(
            [
                lambda user=user: profiles.change(user, {"bio": "birds"}),
                lambda user=user: accounts.close(User.objects.get(pk=user.pk), now=now),
                lambda user=user: profiles.change(user, {"bio": "bees"}),
            ]
        )

        def act(actions=actions) -> None:
            with suppress(User.DoesNotExist):
                next(actions)()

        at_once(act, 3)
        assert not Profile.objects.exists()


def test_a_suspended_account_keeps_its_profile_and_nobody_sees_it(alice, bob):
    change(alice, display_name="Alice")
    accounts.suspend(alice)
    assert_problem(client_of(bob).get(f"/api/v1/users/{alice.pk}/"), 404)
    accounts.reactivate(alice)
    shown = client_of(bob).get(f"/api/v1/users/{alice.pk}/").json()
    assert shown["display_name"] == "Alice"


def test_quiet_hours_begin_with_the_time_zone_of_the_account(alice, bob, now):
    for user in (alice, bob):
        change(user, time_zone="Europe/Vienna")
    assert preferences.of(bob).time_zone == "Europe/Vienna"
    with_device(bob, now)
    # A later change concerns nobody's quiet hours.
    change(bob, time_zone="Asia/Tokyo")
    assert preferences.of(bob).time_zone == "Europe/Vienna"
    assert preferences.of(alice).time_zone == "Europe/Vienna"


def test_an_operator_deletes_a_profile_and_its_owner_may_write_another(alice, admin_client):
    change(alice, display_name="rude")
    admin_client.post(f"/admin/social/profile/{alice.pk}/delete/", {"post": "yes"})
    assert not Profile.objects.exists()
    assert change(alice, display_name="Alice").json()["display_name"] == "Alice"
