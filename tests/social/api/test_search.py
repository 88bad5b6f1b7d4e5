from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import connection

from social import accounts, canaries, relations, search
from social.api import paging
from social.models import User
from tests.api import assert_problem, client_of
from tests.conftest import make_user
from tests.plans import executed_plan, statements

pytestmark = pytest.mark.django_db
USERS = "/api/v1/users/"
LOOKUP = f"{USERS}lookup/"


def pages(client, query: str) -> Iterator[list[str]]:
    """The names on each page of a search."""
    url = f"{USERS}?{query}"
    while url:
        response = client.get(url)
        assert response.status_code == 200, response.content
        yield [person["username"] for person in response.json()["results"]]
        url = response.json()["next"]


def found(client, prefix: str) -> list[str]:
    return [name for page in pages(client, f"q={quote(prefix)}") for name in page]


def test_people_are_found_by_the_beginning_of_their_names(alice, carol):
    for name in ("Alina", "al", "bal", "stra\u00dfe"):
        make_user(name)
    client = client_of(carol)
    assert found(client, "al") == ["al", "alice", "Alina"]
    for typed in ("ALI", "\uff41\uff4c\uff49", " ali "):
        assert found(client, typed) == ["alice", "Alina"]
    assert found(client, "STRASS") == ["stra\u00dfe"]
    assert found(client, "alicea") == []


def test_a_search_takes_characters_literally(carol):
    for name in ("a_b", "axb", "a+b", "a.b"):
        make_user(name)
    client = client_of(carol)
    assert found(client, "a_") == ["a_b"]
    assert found(client, "a.") == ["a.b"]
    assert_problem(client.get(f"{USERS}?q=a%25"), 400, "q")


def test_found_people_are_paged_in_the_order_of_their_names(carol, django_assert_num_queries):
    names = [f"fan-{letter}" for letter in "EdcBa"]
    for name in names:
        make_user(name)
    client = client_of(carol)
    client.get(f"{USERS}?q=fan")
    following = pages(client, "q=fan&limit=2")
    in_order = []
    for _ in range(3):
        # The token and the page.
        with django_assert_num_queries(2):
            in_order.append(next(following))
    assert in_order == [["fan-a", "fan-B"], ["fan-c", "fan-d"], ["fan-E"]]
    assert next(following, None) is None


def test_a_person_who_comes_while_paging_repeats_and_leaves_out_nobody_else(carol):
    for letter in "bdf":
        make_user(f"fan-{letter}")
    following = pages(client_of(carol), "q=fan&limit=2")
    assert next(following) == ["fan-b", "fan-d"]
    for letter in "ace":
        make_user(f"fan-{letter}")
    assert list(following) == [["fan-e", "fan-f"]]


@pytest.fixture
def hidden(carol, now) -> list[User]:
    """People whose names begin with "c" and whom Carol may not see."""
    blocker, blocked, suspended = map(make_user, ("cora", "cleo", "cass"))
    relations.block(blocker, carol, now=now)
    relations.block(carol, blocked, now=now)
    accounts.suspend(suspended)
    closed = make_user("cody")
    accounts.close(closed, now=now)
    return [blocker, blocked, suspended, closed, *canaries.ensure(now=now)]


def test_blocked_suspended_and_closed_people_and_canaries_are_not_found(alice, carol, hidden):
    client = client_of(carol)
    assert found(client, "c") == ["carol"]
    for user in hidden:
        status = 400 if ":" in user.username else 404
        assert client.get(f"{LOOKUP}?username={quote(user.username)}").status_code == status
    # Alice is in no relation to any of them.
    assert found(client_of(alice), "c") == ["carol", "cleo", "cora"]


def test_a_person_is_looked_up_by_the_whole_name(alice, bob, carol, django_assert_num_queries):
    client = client_of(carol)
    client.get(f"{LOOKUP}?username=alice")
    for typed in ("alice", "ALICE", "%20Alice", "\uff41\uff4c\uff49\uff43\uff45"):
        # The token, the person, what she is to Carol, the counts.
        with django_assert_num_queries(4):
            answer = client.get(f"{LOOKUP}?username={typed}")
        assert answer.json() == client.get(f"{USERS}{alice.pk}/").json()
        assert answer.json()["followers"] == 1
    assert_problem(client.get(f"{LOOKUP}?username=alic"), 404)


def test_of_two_old_accounts_with_one_name_the_exactly_named_is_looked_up(carol):
    eve, other = make_user("Eve"), make_user("placeholder")
    User.objects.filter(pk=other.pk).update(username="eve", name_key=f"eve {other.pk}")
    client = client_of(carol)
    for name, pk in (("Eve", eve.pk), ("eve", other.pk), ("EVE", eve.pk)):
        assert client.get(f"{LOOKUP}?username={name}").json()["id"] == pk
    assert found(client, "eve") == ["Eve", "eve"]


@pytest.mark.parametrize(("url", "field"), [(f"{USERS}?", "q"), (f"{LOOKUP}?", "username")])
@pytest.mark.parametrize("value", [None, "", "%20", "%00", "%ff", "a%25", "a" * 151, "%E2%80%AE"])
def test_what_begins_no_name_is_refused(carol, url, field, value):
    query = "" if value is None else f"{field}={value}"
    assert_problem(client_of(carol).get(url + query), 400, field)


def test_the_cursor_of_another_list_or_search_leads_to_nobody_else(alice, bob, carol):
    client = client_of(carol)
    assert_problem(client.get(f"{USERS}?q=a&cursor={paging.encode(5)}"), 400, "cursor")
    make_user("alina")
    following = urlsplit(client.get(f"{USERS}?q=al&limit=1").json()["next"]).query
    cursor = quote(parse_qs(following)["cursor"][0])
    assert list(pages(client, f"q=bo&cursor={cursor}")) == [["bob"]]
    assert list(pages(client, f"q=a&cursor={cursor}")) == [["alina"]]


def test_a_page_reads_as_few_rows_among_many_people_as_among_few(carol):
    """Of ten thousand whose names begin alike most are closed."""
    User.objects.bulk_create(
        User(username=f"{prefix}{number:05}", password="!", is_active=number % 10 == 0)
        for prefix in ("a", "m", "z")
        for number in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE social_user, social_block")
    with statements() as executed:
        people = list(search.by_prefix("m", viewer=carol)[:51])
    assert [user.username for user in people[:3]] == ["m00000", "m00010", "m00020"]
    [(sql, parameters)] = executed
    nodes = executed_plan(sql, parameters)
    assert "social_user_by_key" in [node.get("Index Name") for node in nodes]
    read = [node for node in nodes if node.get("Relation Name") == "social_user"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) == 51
    assert not any(node.get("Rows Removed by Filter") for node in read)
