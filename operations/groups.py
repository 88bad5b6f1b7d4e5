"""The groups of people who look after Connectify, and what each may do.

Guarantee: after every `migrate` they exist and may do what is written here; further permissions
that somebody gave them stay.
"""

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

APPS = (*settings.APPS, "django_celery_results")
VIEWER = Q(content_type__app_label__in=APPS, codename__startswith="view_")
OPERATOR = VIEWER | Q(
    content_type__app_label__in=APPS,
    codename__in=("replay_deadletter", "discard_deadletter", "steer_status"),
)
ADMIN = Q(content_type__app_label__in=(*APPS, "auth", "admin"))
GROUPS = {"viewer": VIEWER, "operator": OPERATOR, "admin": ADMIN}


def ensure(**_) -> None:
    """Called by Django after each `migrate`, when the permissions of all apps are there."""
    for name, which in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(which))
