"""Posts in the admin: operators can read and delete them, and change nothing else."""

import pytest
from django.urls import reverse

from events.models import OutboxEvent
from social import posts
from social.models import Post

pytestmark = pytest.mark.django_db
CHANGELIST = "admin:social_post_changelist"
DELETED = {"routing_key": "post.deleted"}


def test_a_post_that_is_deleted_is_kept_and_its_event_recorded(admin_client, post):
    page = admin_client.post(reverse("admin:social_post_delete", args=[post.pk]), {"post": "yes"})
    assert page.status_code == 302
    assert Post.objects.get(pk=post.pk).deleted_at
    assert OutboxEvent.objects.filter(**DELETED).count() == 1


def test_several_are_deleted_by_one_action(admin_client, alice, post, now):
    other = posts.publish(alice, "another one", now=now)
    chosen = {"action": "delete_selected", "_selected_action": [post.pk, other.pk], "post": "yes"}
    admin_client.post(reverse(CHANGELIST), chosen)
    assert not Post.objects.filter(deleted_at=None).exists()
    assert OutboxEvent.objects.filter(**DELETED).count() == 2


def test_the_admin_changes_and_adds_no_posts(admin_client, post):
    change = reverse("admin:social_post_change", args=[post.pk])
    assert admin_client.post(change, {"content": "forged"}).status_code == 403
    assert admin_client.get(reverse("admin:social_post_add")).status_code == 403
