"""The uniqueness of usernames, and lookalikes."""

from importlib import import_module

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from rest_framework.test import APIClient

from social import names
from social.models import Lookalike, User
from tests.api import PASSWORD, assert_problem, log_in, register
from tests.at_once import at_once

filling = import_module("social.migrations.0018_fill_name_keys")

CYRILLIC = "\u0441\u043e\u0440\u0430"  # Looks like "copa".
GREEK = "\u0392\u039f\u0392"  # Capitals that look like BOB; their lower case looks different.


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("one", "other"), [("Dora", "dora"), ("stra\u00dfe", "STRASSE"), ("\u0130zmir", "i\u0307zmir")]
)
def test_names_that_differ_only_in_case_are_the_same(one, other):
    assert register(APIClient(), username=one).json()["username"] == one
    assert_problem(register(APIClient(), username=other), 400, "username")
    for typed in (one, other):
        assert log_in(APIClient(), username=typed).json()["user"]["username"] == one


@pytest.mark.django_db
def test_no_statement_creates_two_accounts_with_the_same_key():
    User.objects.create(username="Dora")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(username="dORA")])
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="dora")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["al\u0456ce", "\u0430lice", "bob\u03c1", "a\u65e5", "\uac00\u3042"]
)
def test_a_name_of_several_scripts_is_refused(name):
    assert_problem(register(APIClient(), username=name), 400, "username")
    with pytest.raises(CommandError, match="one script"), transaction.atomic():
        call_command("createsuperuser", username=name, email="", interactive=False)
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["\u6771\u4eac\u30bf\u30ef\u30fc", "\ud55c\u56fd", "zo\u00eb_2", "\u0627\u0628\u0661", "123"],
)
def test_scripts_that_are_written_together_count_as_one(name):
    assert register(APIClient(), username=name).status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second"), [("copa", CYRILLIC), (CYRILLIC, "COPA"), ("bob", GREEK)]
)
def test_a_name_that_looks_like_one_of_another_script_is_refused(first, second):
    assert register(APIClient(), username=first).status_code == 201
    assert_problem(register(APIClient(), username=second), 400, "username")


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "second"), [("modern", "modem"), ("l1", "Il"), ("0", "o")])
def test_names_of_one_script_are_not_compared_by_their_looks(first, second):
    for name in (first, second):
        assert register(APIClient(), username=name).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_two_lookalikes_at_the_same_moment_one_is_refused():
    wanted = iter(["copa", CYRILLIC])
    found = at_once(lambda: register(APIClient(), username=next(wanted)).status_code, 2)
    assert sorted(found) == [201, 400]


@pytest.mark.django_db
def test_a_closed_account_frees_its_name_and_its_skeletons():
    register(APIClient(), username="copa")
    client = APIClient()
    token = log_in(client, username="copa").json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    closing = client.post("/api/v1/accounts/close/", {"current_password": PASSWORD}, format="json")
    assert closing.status_code == 204
    assert not Lookalike.objects.exists()
    assert register(APIClient(), username=CYRILLIC).status_code == 201


@pytest.mark.django_db
def test_the_admin_says_why_it_refuses_a_name(admin_client):
    register(APIClient(), username="copa")
    given = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    for name, words in (("COPA", "already exists"), (CYRILLIC, "looks like another")):
        page = admin_client.post("/admin/social/user/add/", given | {"username": name})
        assert words in page.content.decode()


@pytest.fixture
def before(db):
    """Accounts that were created before names had keys."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE social_user ALTER COLUMN name_key DROP NOT NULL")
    for number, name in enumerate(["Eve", "eve", "al\u0456ce", "alice", "canary:x"]):
        User.objects.create_user(f"placeholder{number}", password=PASSWORD)
        User.objects.filter(username=f"placeholder{number}").update(username=name, name_key=None)
    Lookalike.objects.all().delete()


def test_accounts_that_shared_a_name_keep_it_and_are_listed(before, capsys):
    with connection.schema_editor() as editor:
        filling.fill(None, editor)
    listed = capsys.readouterr().out
    assert listed.count("of another account") == 1
    assert "  eve, account" in listed
    for name in ("Eve", "eve", "al\u0456ce"):
        found = authenticate(username=name, password=PASSWORD)
        assert found.username == name
        found.first_name = "E"
        found.save()  # Saving works, because the name has not changed.
    assert authenticate(username="EVE", password=PASSWORD).username == "Eve"
    assert not Lookalike.objects.filter(user__username="canary:x").exists()


@pytest.mark.django_db
def test_an_account_created_by_the_previous_version_has_a_key():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO social_user (username, password, first_name, last_name, email,"
            " is_superuser, is_staff, is_active, date_joined)"
            " VALUES ('Dora', '', '', '', '', false, false, true, now())"
        )
    assert User.objects.get().name_key == "dora"
    assert_problem(register(APIClient(), username="DORA"), 400, "username")


@pytest.mark.django_db
def test_an_account_with_an_old_invisible_name_can_still_log_in():
    User.objects.create_user("\u3164", password=PASSWORD)
    assert log_in(APIClient(), username="\u3164").status_code == 200
    assert_problem(register(APIClient(), username="\u115f"), 400, "username")


def test_a_skeleton_fits_into_its_index_whatever_the_name():
    assert all(len(each) <= 500 for each in names.skeletons("\ufdfa" * 150))
