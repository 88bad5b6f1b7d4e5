import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from events.models import OutboxEvent
from social import accounts, posts, relations
from social.models import Post
from tests.api import assert_problem, client_of

pytestmark = pytest.mark.django_db
POSTS = "/api/v1/posts/"


def test_without_a_token_nothing_is_posted():
    response = APIClient().post(POSTS, {"content": "hi"}, format="json")
    assert_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "content", ["x" * 5_000, "שלום", "👩‍👩‍👧‍👦", "<script>", "'; DROP TABLE--"]
)
def test_text_is_stored_unchanged(alice, content):
    created = client_of(alice).post(POSTS, {"content": content}, format="json")
    assert created.status_code == 201
    assert Post.objects.get().content == content
    assert created.json()["content"] == content


def test_only_its_author_deletes_a_post(post, bob, alice):
    url = f"{POSTS}{post.pk}/"
    assert_problem(client_of(bob).delete(url), 404)
    assert client_of(bob).get(url).status_code == 200
    assert client_of(alice).delete(url).status_code == 204
    assert_problem(client_of(bob).get(url), 404)


def test_posting_takes_a_fixed_number_of_queries(alice, django_assert_num_queries):
    client = client_of(alice)
    client.post(POSTS, {"content": "the first use of the token"}, format="json")
    # The token, BEGIN and COMMIT, the post, its event with its notification to the relay.
    with django_assert_num_queries(5):
        client.post(POSTS, {"content": "hi"}, format="json")


def edit(user, post, content):
    return client_of(user).patch(f"{POSTS}{post.pk}/", {"content": content}, format="json")


def test_an_edited_post_shows_its_new_content_and_when(alice, bob, post):
    answer = edit(alice, post, "Hello again!")
    assert answer.status_code == 200
    assert answer.json()["content"] == "Hello again!"
    assert answer.json()["edited_at"].endswith("Z")
    assert client_of(bob).get(f"{POSTS}{post.pk}/").json() == answer.json()
    assert OutboxEvent.objects.filter(routing_key="post.edited").count() == 1


def test_an_edit_that_changes_nothing_makes_no_event(alice, post):
    assert edit(alice, post, post.content).status_code == 200
    assert not OutboxEvent.objects.filter(routing_key="post.edited").exists()


def test_only_its_author_edits_a_post(bob, post):
    assert_problem(edit(bob, post, "mine"), 404)


def test_a_deleted_post_cannot_be_edited(alice, post, now):
    posts.delete(post, now=now)
    assert_problem(edit(alice, post, "back"), 404)
    with pytest.raises(Post.DoesNotExist):
        posts.edit(post, "back", now=now)


def test_a_blocked_user_does_not_see_the_blockers_posts(alice, bob, post):
    relations.block(alice, bob, now=timezone.now())
    assert_problem(client_of(bob).get(f"{POSTS}{post.pk}/"), 404)
    assert_problem(client_of(bob).get(f"/api/v1/users/{alice.pk}/posts/"), 404)


def test_an_authors_posts_are_paged_newest_first(alice, carol, now, django_assert_num_queries):
    ids = [posts.publish(alice, f"post {number}", now=now).pk for number in range(5)]
    posts.delete(Post.objects.get(pk=ids.pop(2)), now=now)
    client = client_of(carol)
    client.get("/api/v1/accounts/me/")
    # The token, the author, the page.
    with django_assert_num_queries(3):
        first = client.get(f"/api/v1/users/{alice.pk}/posts/", {"limit": 3})
    assert [post["id"] for post in first.json()["results"]] == ids[:0:-1]
    assert first["Link"] == f'<{first.json()["next"]}>; rel="next"'
    second = client.get(first.json()["next"])
    assert [post["id"] for post in second.json()["results"]] == ids[:1]
    assert second.json()["next"] is None
    assert "Link" not in second


def test_posts_of_a_closed_account_are_not_listed(alice, carol, post, now):
    accounts.close(alice, now=now)
    assert_problem(client_of(carol).get(f"/api/v1/users/{alice.pk}/posts/"), 404)
