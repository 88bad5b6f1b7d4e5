"""Settings of pushes that cannot work: refused at every start, or by `manage.py check --deploy`."""

import json
from pathlib import Path

from django.conf import settings
from django.core.checks import Error, Tags, register

FCM_KEYS = {"project_id", "client_email", "private_key", "private_key_id", "token_uri"}


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


@register
def fcm_key_file(app_configs, **options) -> list[Error]:
    if not settings.FCM_KEY_FILE:
        return []
    try:
        key = json.loads(Path(settings.FCM_KEY_FILE).read_text())
        missing = sorted(FCM_KEYS - key.keys())
    except (OSError, ValueError, AttributeError) as error:
        missing = [str(error)]
    if not missing:
        return []
    return [
        Error(
            f"FCM_KEY_FILE is no key file of a service account: {', '.join(missing)}",
            hint="Firebase's console makes one: Project settings, Service accounts.",
            id="notifications.E002",
        )
    ]
