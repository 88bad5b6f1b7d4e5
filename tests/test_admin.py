"""The admin as a whole: every model that it can take is there, and every list opens."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import CompositePrimaryKey
from django.urls import reverse
from django.utils import timezone

from events.models import DeadLetter
from fanout import partitions
from notifications.models import Delivery

OURS = ("social", "events", "timelines", "notifications", "analytics")
MODELS = [
    model
    for app in OURS
    for model in apps.get_app_config(app).get_models()
    if not isinstance(model._meta.pk, CompositePrimaryKey)
]


def test_its_link_to_the_site_leads_to_a_page(admin_client):
    admin_page = admin_client.get("/admin/").content.decode()
    assert '<a href="/">View site</a>' in admin_page
    assert admin_client.get("/").status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_that_can_be_is_registered(model):
    assert admin.site.is_registered(model)


@pytest.mark.parametrize(
    "model",
    [m for m in admin.site._registry if m._meta.app_label != "auth"],
    ids=lambda model: model._meta.label,
)
def test_every_list_opens(model, admin_client):
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert admin_client.get(url).status_code == 200


def test_deliveries_are_listed_found_and_shown(admin_client, post, bob):
    partitions.ensure(Delivery._meta.db_table, [post.pk])
    row = Delivery.objects.create(
        post=post,
        subscription_id=1,
        recipient_id=bob.pk,
        state="failed",
        reason="answered 500, 8 attempts",
        attempts=8,
        created_at=timezone.now(),
    )
    page = admin_client.get("/admin/notifications/delivery/", {"q": str(post.pk)})
    assert b"answered 500, 8 attempts" in page.content
    for nothing in ("abc", "99999999999999999999", "0"):
        page = admin_client.get("/admin/notifications/delivery/", {"q": nothing})
        assert page.context["cl"].result_count == 0
    assert admin_client.get(f"/admin/notifications/delivery/{row.pk}/change/").status_code == 200


def test_the_results_of_tasks_are_reached_from_the_same_index(admin_client, db):
    page = admin_client.get("/admin/").content.decode()
    assert "/admin/django_celery_results/taskresult/" in page
    assert reverse("admin:events_deadletter_changelist") in page
    assert DeadLetter._meta.verbose_name_plural.capitalize() in page
