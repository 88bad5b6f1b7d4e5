import pytest
from django.db import connection

from notifications import preferences
from social import accounts, relations, relationships
from social.models import Follow
from tests.api import assert_problem, client_of
from tests.conftest import make_user
from tests.plans import executed_plan, statements

pytestmark = pytest.mark.django_db
URL = "/api/v1/relationships/"
NOBODY = dict.fromkeys(("following", "followed_by", "muting", "blocking", "notify"), False)


def read(client, *people) -> list[dict]:
    response = client.get(f"{URL}?id={','.join(str(getattr(p, 'pk', p)) for p in people)}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_what_people_are_to_the_caller_is_read_for_many_at_once(alice, bob, carol, now):
    dora, eve = make_user("dora"), make_user("eve")
    relations.follow(carol, bob, now=now)
    relations.mute(bob, dora, now=now)
    relations.block(bob, eve, now=now)
    assert read(client_of(bob), dora, alice, carol, eve, bob) == [
        {"id": dora.pk} | NOBODY | {"muting": True},
        {"id": alice.pk} | NOBODY | {"following": True, "notify": True},
        {"id": carol.pk} | NOBODY | {"followed_by": True},
        {"id": eve.pk} | NOBODY | {"blocking": True},
        {"id": bob.pk} | NOBODY,
    ]


def test_a_profile_says_the_same(alice, bob, carol):
    client = client_of(bob)
    for person in (alice, carol):
        [relation] = read(client, person)
        shown = client.get(f"/api/v1/users/{person.pk}/").json()["relationship"]
        assert {"id": person.pk} | shown == relation
    assert client.get(f"/api/v1/users/{bob.pk}/").json()["relationship"] is None


def test_muted_and_silenced_authors_do_not_notify(alice, bob, carol, now):
    relations.follow(bob, carol, now=now)
    preferences.silence(bob, alice, now=now)
    relations.mute(bob, carol, now=now)
    for relation in read(client_of(bob), alice, carol):
        assert (relation["following"], relation["notify"]) == (True, False)
    preferences.unsilence(bob, alice)
    [relation] = read(client_of(bob), alice)
    assert relation["notify"]


def test_a_person_who_blocks_the_caller_is_like_one_who_does_not_exist(alice, bob, now):
    client = client_of(bob)
    relations.block(alice, bob, now=now)
    blocker, nobody = read(client, alice, 2**59)
    assert blocker == {"id": alice.pk} | NOBODY
    assert nobody == {"id": 2**59} | NOBODY
    # What the caller has done is shown, as in /mutes/ and /blocks/.
    relations.mute(bob, alice, now=now)
    relations.block(bob, alice, now=now)
    [own] = read(client, alice)
    assert own == {"id": alice.pk} | NOBODY | {"muting": True, "blocking": True}


def test_a_suspended_or_closed_person_is_nobody(alice, bob, now):
    client = client_of(bob)
    relations.mute(bob, alice, now=now)
    accounts.suspend(alice)
    assert read(client, alice) == [{"id": alice.pk} | NOBODY]
    accounts.reactivate(alice)
    assert read(client, alice)[0]["following"]
    accounts.close(alice, now=now)
    assert read(client, alice) == [{"id": alice.pk} | NOBODY]


def test_fifty_people_take_as_many_queries_as_one(alice, bob, now, django_assert_num_queries):
    others = [make_user(f"other-{number}") for number in range(49)]
    for other in others:
        relations.follow(bob, other, now=now)
    client = client_of(bob)
    read(client, alice)
    for people in ([alice], [alice, *others]):
        # The token, the relations, the silenced authors.
        with django_assert_num_queries(3):
            assert all(relation["notify"] for relation in read(client, *people))


def test_an_id_that_is_given_twice_is_answered_once(alice, bob, carol):
    found = read(client_of(bob), carol, alice, carol)
    assert [relation["id"] for relation in found] == [carol.pk, alice.pk]


ODD = ("", "0", "-1", "1,", ",1", "1,,2", "1, 2", "01", "x", "1.0", str(10**18), "%00")


@pytest.mark.parametrize("ids", [None, *ODD, ",".join(map(str, range(1, 52)))])
def test_a_list_of_ids_that_is_none_or_too_long_is_refused(bob, ids):
    query = "" if ids is None else f"?id={ids}"
    assert_problem(client_of(bob).get(URL + query), 400, "id")


def test_a_user_with_many_followers_reads_no_more_rows(alice, bob, now):
    crowd = [make_user(f"fan-{number}") for number in range(60)]
    strangers = range(10**9, 10**9 + 5_000)
    Follow.objects.bulk_create(
        [
            *(Follow(follower=fan, followee=alice, created_at=now) for fan in crowd),
            *(Follow(follower_id=pk, followee=alice, created_at=now) for pk in strangers),
            *(Follow(follower=alice, followee_id=pk, created_at=now) for pk in strangers),
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE social_follow, social_user, social_mute, social_block")
    with statements() as executed:
        found = relationships.read(alice.pk, [fan.pk for fan in crowd[:50]])
    assert all(relation.followed_by for relation in found.values())
    [(sql, parameters)] = executed
    follows = [
        node
        for node in executed_plan(sql, parameters)
        if node.get("Relation Name") == "social_follow"
    ]
    assert all(node["Node Type"].startswith("Index") for node in follows)
    assert all(node["Actual Loops"] == 50 for node in follows)
    assert all(node["Actual Rows"] <= 1 for node in follows)
