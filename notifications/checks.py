"""Checks of push settings: some run at every start, some only in `manage.py check --deploy`."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register

from notifications.delivery.transports import google_tokens

ADDRESS = re.compile(
    r"(?:mailto:[^@\s?]+@|https://)"
    r"(?P<domain>(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?)"
    r"(?:[:/?#]\S*)?",
    re.IGNORECASE,
)
# Top-level domains that no mail address or page can have: reserved by RFC 2606, RFC 6761, RFC 6762,
# RFC 8375 and RFC 9476, and by ICANN for private use.
NOT_REAL = frozenset(
    {"invalid", "localhost", "test", "example", "local", "arpa", "alt", "onion", "internal"}
    | {"lan", "home", "corp", "localdomain", "intranet", "private"}
)


@register(Tags.security, deploy=True)
def no_pushes_to_loopback(app_configs: Any, **options: Any) -> list[Error]:
    if not settings.PUSH_ALLOW_LOOPBACK:
        return []
    return [
        Error(
            "PUSH_ALLOW_LOOPBACK lets clients make the workers call this machine.",
            hint="Unset it. It is only for the demo and the tests.",
            id="notifications.E001",
        )
    ]


@register(Tags.security, deploy=True)
def vapid_subject(app_configs: Any, **options: Any) -> list[Error]:
    if is_real_address(settings.VAPID_SUBJECT):
        return []
    return [
        Error(
            f"VAPID_SUBJECT is not a real address: {settings.VAPID_SUBJECT!r}",
            hint="Use mailto: and your mail address, or an https:// page. Apple refuses others.",
            id="notifications.E003",
        )
    ]


def is_real_address(address: str) -> bool:
    """True for a mailto: or https: address (RFC 8292, section 2.1) whose domain may exist."""
    match = ADDRESS.fullmatch(address)
    return match is not None and match["domain"].lower().rsplit(".", 1)[1] not in NOT_REAL


@register
def fcm_key_file(app_configs: Any, **options: Any) -> list[Error]:
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
            f"FCM_KEY_FILE is not a usable key file of a service account: {fault}",
            hint="Create one in Firebase's console: Project settings, Service accounts.",
            id="notifications.E002",
        )
    ]
