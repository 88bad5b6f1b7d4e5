"""Accounts in the admin: suspended, reactivated and closed, never deleted."""

from collections import Counter

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from events.models import OutboxEvent
from social.models import Closure, Post, User
from tests.api import client_of
from tests.conftest import make_user

pytestmark = pytest.mark.django_db
USERS = "admin:social_user_changelist"


def act(client: Client, action: str, *users: User, **more):
    chosen = {"action": action, "_selected_action": [user.pk for user in users]} | more
    return client.post(reverse(USERS), chosen)


def logged() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))


def test_a_suspended_account_is_locked_out_until_it_is_reactivated(
    admin_client, alice, carol, post
):
    client = client_of(alice)
    act(admin_client, "suspend", alice, carol)
    assert client.get("/api/v1/accounts/me/").status_code == 401
    act(admin_client, "suspend", alice)
    act(admin_client, "reactivate", alice)
    assert client.get("/api/v1/accounts/me/").status_code == 200
    assert Post.objects.get().content == "Hello world!"
    # Each action is logged once: the second suspension of alice did nothing.
    assert Counter(logged()) == Counter(
        [
            (f"user {alice.pk}", "The account was reactivated."),
            (f"user {alice.pk}", "The account was suspended."),
            (f"user {carol.pk}", "The account was suspended."),
        ]
    )


def test_accounts_are_closed_with_their_events_after_a_confirmation(
    admin_client, alice, carol, post
):
    act(admin_client, "suspend", carol)
    page = act(admin_client, "close_accounts", alice, carol)
    assert b"alice" in page.content
    assert User.objects.get(pk=alice.pk).is_active
    act(admin_client, "close_accounts", alice, carol, confirmed="yes")
    assert Closure.objects.count() == 2
    assert OutboxEvent.objects.filter(routing_key="user.closed").count() == 2
    # A closed account cannot be reactivated.
    act(admin_client, "reactivate", alice)
    assert not User.objects.get(pk=alice.pk).is_active
    assert (f"user {alice.pk}", "The account was closed.") in logged()
    assert not any("alice" in text for entry in logged() for text in entry)


def test_no_page_or_action_deletes_an_account(admin_client, alice, post):
    assert (
        admin_client.post(
            reverse("admin:social_user_delete", args=[alice.pk]), {"post": "yes"}
        ).status_code
        == 403
    )
    act(admin_client, "delete_selected", alice, post="yes")
    assert User.objects.filter(pk=alice.pk).exists()
    with pytest.raises(ProtectedError):
        alice.delete()
    assert Post.objects.exists()


def test_the_admins_form_cannot_change_whether_an_account_is_active(admin_client, alice):
    url = reverse("admin:social_user_change", args=[alice.pk])
    assert admin_client.get(url).status_code == 200
    form = {"username": "alice", "date_joined_0": "2026-01-15", "date_joined_1": "10:30:00"}
    assert admin_client.post(url, form).status_code == 302
    assert User.objects.get(pk=alice.pk).is_active


def test_an_operator_can_suspend_neither_themselves_nor_a_superuser(admin_user, alice):
    operator = make_user("operator")
    User.objects.filter(pk=operator.pk).update(is_staff=True)
    operator.user_permissions.set(
        Permission.objects.filter(codename__in=["change_user", "view_user"])
    )
    client = Client()
    client.force_login(operator)
    act(client, "suspend", operator, admin_user, alice)
    assert set(User.objects.filter(is_active=False)) == {alice}
    # Closing an account needs the permission to delete users.
    act(client, "close_accounts", alice, confirmed="yes")
    assert not Closure.objects.exists()
