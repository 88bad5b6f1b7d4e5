"""Our own checks for `manage.py check --deploy`."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from celery import current_app
from django.conf import settings
from django.core.checks import Error, Tags, register

from notifications.checks import is_real_address

# Passwords from examples that people forget to change.
DEFAULTS = re.compile(r"change|change-?me|password|secret|guest|postgres|connectify|admin", re.I)


@register(Tags.security, deploy=True)
def no_default_passwords(app_configs: Any, **options: Any) -> list[Error]:
    """Check the passwords of the servers' URLs and of Flower, and the secret key."""
    broker, cache = urlsplit(settings.BROKER_URL), urlsplit(settings.REDIS_URL)
    secrets = {
        "DATABASE_URL": settings.DATABASES["default"]["PASSWORD"],
        "BROKER_URL": unquote(broker.password or ""),
        "REDIS_URL": unquote(cache.password or ""),
        "SECRET_KEY": settings.SECRET_KEY,
        "FLOWER_BASIC_AUTH": settings.FLOWER_BASIC_AUTH.partition(":")[2],
    }
    return [
        Error(
            f"{name} has a default password.",
            hint="Make one with: openssl rand -hex 20",
            id="operations.E001",
        )
        for name, secret in secrets.items()
        if DEFAULTS.fullmatch(secret)
    ]


@register(Tags.security, deploy=True)
def no_guest_at_the_broker(app_configs: Any, **options: Any) -> list[Error]:
    if urlsplit(settings.BROKER_URL).username != "guest":
        return []
    hint = "rabbitmqctl add_user connectify; then delete_user guest"
    return [Error("BROKER_URL logs in as guest.", hint=hint, id="operations.E002")]


@register(Tags.security, deploy=True)
def flower_asks_who_is_there(app_configs: Any, **options: Any) -> list[Error]:
    if settings.FLOWER_BASIC_AUTH:
        return []
    hint = "FLOWER_BASIC_AUTH=name:password; everyone who can open Flower can stop workers."
    return [Error("Flower requires no login.", hint=hint, id="operations.E003")]


@register(Tags.security, deploy=True)
def links_in_mails_lead_somewhere(app_configs: Any, **options: Any) -> list[Error]:
    """Check the pages that mails link to: whoever gets such a link can use the account."""
    return [
        Error(
            f"{name} is not an https address of a public host: {getattr(settings, name)}",
            hint="Set it to the client's page.",
            id="operations.E006",
        )
        for name in ("PASSWORD_RESET_URL", "EMAIL_CONFIRM_URL")
        if not _is_public(getattr(settings, name))
    ]


def _is_public(url: str) -> bool:
    return url.startswith("https://") and is_real_address(url)


@register(deploy=True)
def mails_have_a_sender(app_configs: Any, **options: Any) -> list[Error]:
    if not settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        return []
    hint = "DEFAULT_FROM_EMAIL and EMAIL_URL: without them nobody can set a new password."
    return [Error("Mails are not configured.", hint=hint, id="operations.E007")]


@register(deploy=True)
def nothing_is_lost_at_the_broker(app_configs: Any, **options: Any) -> list[Error]:
    """Check confirms and dead-lettering: without them messages are lost without an error."""
    errors = []
    if not current_app.conf.broker_transport_options.get("confirm_publish"):
        hint = 'celery_app.py: broker_transport_options={"confirm_publish": True}'
        errors.append(
            Error("Tasks are published without confirms.", hint=hint, id="operations.E004")
        )
    for name, queue in current_app.amqp.queues.items():
        if "x-dead-letter-exchange" not in (queue.queue_arguments or {}):
            hint = "Create it with events.topology.lane()."
            text = f"The queue {name} has no dead-letter exchange, so failed tasks are lost."
            errors.append(Error(text, hint=hint, id="operations.E005"))
    return errors
