"""The user groups for operators, and the permissions of each.

Guarantee: after every `migrate` the groups exist with at least these permissions. Permissions that
somebody has added remain.
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


def ensure(**_: object) -> None:
    """Create the groups. Django calls this after each `migrate`, once all permissions exist."""
    for name, which in GROUPS.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(which))
