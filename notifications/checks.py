"""Settings of pushes that cannot work: refused at every start, or by `manage.py check --deploy`."""

from django.conf import settings
from django.core.checks import Error, Tags, register

from notifications.transports import google_tokens


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
        google_tokens.read_key(settings.FCM_KEY_FILE)
    except google_tokens.KeyFileError as error:
        fault = str(error)
    else:
        return []
    return [
        Error(
            f"FCM_KEY_FILE is no key file of a service account: {fault}",
            hint="Firebase's console makes one: Project settings, Service accounts.",
            id="notifications.E002",
        )
    ]
