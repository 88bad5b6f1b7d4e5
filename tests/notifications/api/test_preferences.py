import pytest

from notifications.models import Preference, SilencedAuthor
from social import canaries, relations
from tests.api import assert_problem, client_of

pytestmark = pytest.mark.django_db
PREFERENCES = "/api/v1/push/preferences/"
DEFAULTS = {
    "push_enabled": True,
    "time_zone": "UTC",
    "quiet_from": None,
    "quiet_until": None,
    "hourly_cap": None,
}


def change(user, /, **changes):
    return client_of(user).patch(PREFERENCES, changes, format="json")


def test_without_changes_a_user_sees_the_defaults_and_has_no_row(bob):
    assert client_of(bob).get(PREFERENCES).json() == DEFAULTS
    assert not Preference.objects.exists()


def test_only_the_given_preferences_are_changed(bob, carol):
    hours = {"time_zone": "Asia/Kolkata", "quiet_from": "22:00:00", "quiet_until": "07:30:00"}
    assert change(bob, **hours).json() == DEFAULTS | hours
    answer = change(bob, push_enabled=False, hourly_cap=10).json()
    assert answer == DEFAULTS | hours | {"push_enabled": False, "hourly_cap": 10}
    assert client_of(bob).get(PREFERENCES).json() == answer
    assert client_of(carol).get(PREFERENCES).json() == DEFAULTS


def test_quiet_hours_end_when_both_times_are_removed(bob):
    change(bob, quiet_from="22:00", quiet_until="07:00")
    assert change(bob, quiet_from=None, quiet_until=None).json() == DEFAULTS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_zone": "Mars/Phobos"}, "time_zone"),
        # PostgreSQL alone would accept these, and take the first one for a zone west of Greenwich.
        ({"time_zone": "+05"}, "time_zone"),
        ({"time_zone": "FOO5"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "\x00"}, "time_zone"),
        ({"time_zone": None}, "time_zone"),
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_until": "07:00"}, "quiet_until"),
        ({"quiet_from": "07:00", "quiet_until": "07:00"}, "quiet_until"),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from"),
        ({"hourly_cap": 0}, "hourly_cap"),
        ({"hourly_cap": -1}, "hourly_cap"),
        ({"hourly_cap": 1_001}, "hourly_cap"),
        ({"hourly_cap": 10**400}, "hourly_cap"),
        ({"push_enabled": None}, "push_enabled"),
        ({"user": 1}, "user"),
    ],
)
def test_invalid_preferences_are_refused_and_not_saved(bob, changes, field):
    assert_problem(change(bob, **changes), 400, field)
    assert not Preference.objects.exists()


def test_one_of_the_two_quiet_times_cannot_be_removed(bob):
    change(bob, quiet_from="22:00", quiet_until="07:00")
    assert_problem(change(bob, quiet_until=None), 400, "quiet_until")
    assert_problem(change(bob, quiet_until="22:00"), 400, "quiet_until")


def author_preference(author) -> str:
    return f"{PREFERENCES}authors/{author.pk}/"


def test_an_author_is_silenced_and_unsilenced(alice, bob):
    client = client_of(bob)
    assert client.get(author_preference(alice)).json() == {"push": "all"}
    for _ in range(2):
        answer = client.put(author_preference(alice), {"push": "none"}, format="json")
        assert (answer.status_code, answer.json()) == (200, {"push": "none"})
    assert client.get(author_preference(alice)).json() == {"push": "none"}
    assert client_of(alice).get(author_preference(bob)).json() == {"push": "all"}
    client.put(author_preference(alice), {"push": "all"}, format="json")
    assert not SilencedAuthor.objects.exists()


def test_silenced_authors_are_listed_page_by_page(alice, bob, carol):
    client = client_of(bob)
    for author in (alice, carol):
        client.put(author_preference(author), {"push": "none"}, format="json")
    page = client.get(f"{PREFERENCES}authors/?limit=1").json()
    assert page["results"] == [{"id": carol.pk, "username": "carol"}]
    page = client.get(page["next"]).json()
    assert page == {"results": [{"id": alice.pk, "username": "alice"}], "next": None}


def test_deleting_an_author_preference_may_be_repeated(alice, bob):
    client = client_of(bob)
    client.put(author_preference(alice), {"push": "none"}, format="json")
    for _ in range(2):
        assert client.delete(author_preference(alice)).status_code == 204
    assert client.get(author_preference(alice)).json() == {"push": "all"}


@pytest.mark.parametrize("body", [{}, {"push": "some"}, {"push": None}])
def test_an_invalid_author_preference_is_refused(alice, bob, body):
    assert_problem(client_of(bob).put(author_preference(alice), body, format="json"), 400, "push")


def test_a_preference_about_an_unknown_author_is_not_found(bob):
    assert_problem(client_of(bob).get(f"{PREFERENCES}authors/{2**62}/"), 404)


def test_a_preference_about_an_invisible_author_is_not_found(alice, bob, now):
    """So the answer does not reveal who blocks the user or who is a canary. An existing preference
    can still be deleted."""
    client = client_of(bob)
    client.put(author_preference(alice), {"push": "none"}, format="json")
    relations.block(alice, bob, now=now)
    canary, _ = canaries.ensure(now=now)
    for unseen in (alice, canary):
        assert_problem(client.get(author_preference(unseen)), 404)
        for body in ({"push": "all"}, {"push": "none"}, {}):
            assert_problem(client.put(author_preference(unseen), body, format="json"), 404)
        assert client.delete(author_preference(unseen)).status_code == 204
    assert not SilencedAuthor.objects.exists()


def test_the_list_of_silenced_authors_takes_a_fixed_number_of_queries(
    alice, bob, carol, django_assert_num_queries
):
    client = client_of(bob)
    for number, author in enumerate((alice, carol)):
        client.put(author_preference(author), {"push": "none"}, format="json")
        # The token and the page.
        with django_assert_num_queries(2):
            assert len(client.get(f"{PREFERENCES}authors/").json()["results"]) == number + 1


@pytest.mark.parametrize("path", [PREFERENCES, f"{PREFERENCES}authors/1/"])
def test_preferences_need_a_login(client, db, path):
    assert_problem(client.get(path), 401)
