"""The environment variables of all services, from the operator's answers and generated secrets."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import bcrypt

from devtools.deployment.answers import Answers
from devtools.servers.credentials import vapid_private_key

OPERATOR, ADMINISTRATOR, MONITOR = "operator", "administrator", "monitoring"


def password() -> str:
    return secrets.token_hex(20)


def hashed_password() -> str:
    """A password and, after a blank, its hash: Prometheus has only that."""
    made = password()
    return f"{made} {bcrypt.hashpw(made.encode(), bcrypt.gensalt(10)).decode()}"


GENERATORS = {
    "django": lambda: secrets.token_urlsafe(50),
    "vapid": vapid_private_key,
    "metrics": password,
    **dict.fromkeys(
        (
            *("postgres_superuser", "postgres", "valkey"),
            *("rabbitmq_administrator", "rabbitmq", "rabbitmq_monitoring"),
            "flower",
        ),
        password,
    ),
    "prometheus": hashed_password,
}


@dataclass(frozen=True)
class Places:
    """Where the servers are, by default in the compose file; the names of role, user, database and
    virtual host there."""

    postgres: str = "postgres:5432"
    rabbitmq: str = "rabbitmq:5672"
    management: str = "rabbitmq:15672"
    valkey: str = "valkey:6379/0"
    name: str = "connectify"
    administrator: str = ADMINISTRATOR
    vhost: str = "/"


def variables(answers: Answers, known: Mapping[str, str], places: Places) -> dict[str, str]:
    """Every variable by its name. `known` has the secrets by the names of GENERATORS."""
    database = f"postgres://{places.name}:{known['postgres']}@{places.postgres}/{places.name}"
    administrator = f"{places.administrator}:{known['rabbitmq_administrator']}"
    return {
        "SECRET_KEY": known["django"],
        "ALLOWED_HOSTS": f"{answers.domain},web,localhost",
        "TRUSTED_PROXIES": answers.trusted_proxies,
        "DATABASE_URL": database,
        "DATABASE_DIRECT_URL": database,
        "BROKER_URL": _broker(places, places.name, known["rabbitmq"]),
        "BROKER_MANAGEMENT_URL": f"http://{administrator}@{places.management}",
        "REDIS_URL": f"redis://:{known['valkey']}@{places.valkey}",
        "VAPID_PRIVATE_KEY": known["vapid"],
        "VAPID_SUBJECT": answers.vapid_subject,
        "EMAIL_URL": answers.email_url,
        "DEFAULT_FROM_EMAIL": answers.from_email,
        "PASSWORD_RESET_URL": f"{answers.client_url.rstrip('/')}/reset-password",
        "EMAIL_CONFIRM_URL": f"{answers.client_url.rstrip('/')}/confirm-email",
        "METRICS_TOKEN": known["metrics"],
        "FLOWER_URL": "http://localhost:5555",
        "FLOWER_BASIC_AUTH": f"{OPERATOR}:{known['flower']}",
        "FLOWER_BROKER_API": (
            f"http://{MONITOR}:{known['rabbitmq_monitoring']}@{places.management}/api/"
        ),
        # For the images of PostgreSQL, RabbitMQ and Valkey.
        "POSTGRES_PASSWORD": known["postgres_superuser"],
        "CONNECTIFY_ROLE": places.name,
        "CONNECTIFY_PASSWORD": known["postgres"],
        "CONNECTIFY_DATABASE": places.name,
        "RABBITMQ_DEFAULT_USER": places.administrator,
        "RABBITMQ_DEFAULT_PASS": known["rabbitmq_administrator"],
        "VALKEY_PASSWORD": known["valkey"],
        "REDISCLI_AUTH": known["valkey"],
    }


def flower_broker(known: Mapping[str, str], places: Places) -> str:
    """Flower's BROKER_URL: that of the user who may only watch."""
    return _broker(places, MONITOR, known["rabbitmq_monitoring"])


def _broker(places: Places, user: str, secret: str) -> str:
    return f"amqp://{user}:{secret}@{places.rabbitmq}/{places.vhost}"


def prometheus_web(known: Mapping[str, str]) -> str:
    """Prometheus' web.config.file, in one line: its login."""
    return json.dumps({"basic_auth_users": {OPERATOR: known["prometheus"].split()[1]}})
