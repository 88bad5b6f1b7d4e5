"""What `manage.py check --deploy` refuses."""

from django.conf import settings
from django.core.checks import Error, Tags, register


@register(Tags.security, deploy=True)
def no_pushes_to_loopback(app_configs, **options) -> list[Error]:
    if not settings.PUSH_ALLOW_LOOPBACK:
        return []
    return [
        Error(
            "PUSH_ALLOW_LOOPBACK lets clients make us call this machine.",
            hint="Unset it; it is for the demo and the tests.",
            id="notifications.E001",
        )
    ]
