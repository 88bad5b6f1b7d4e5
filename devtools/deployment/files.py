"""Which service gets which variables, and the files that hold them.

Guarantee: a service's file holds no secret that the service does not need. Consumers and workers
say what they need where they are declared; the other services are listed here.
"""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from connectify.environment import SECRETS
from connectify.installed import APPS
from devtools.deployment.answers import Answers
from devtools.deployment.variables import (
    OPERATOR,
    Places,
    flower_broker,
    prometheus_web,
    variables,
)
from devtools.servers.credentials import write_private
from events import declarations, processes

declarations.load(APPS)

HEADER = "# Written by bin/env, anew each time. Settings of your own belong in settings.env.\n"
DATABASE = ("DATABASE_URL", "DATABASE_DIRECT_URL")
MAIL = ("EMAIL_URL", "DEFAULT_FROM_EMAIL", "EMAIL_CONFIRM_URL", "PASSWORD_RESET_URL")
SERVERS = {
    "postgres": (
        *("POSTGRES_PASSWORD", "CONNECTIFY_ROLE", "CONNECTIFY_PASSWORD", "CONNECTIFY_DATABASE"),
    ),
    "rabbitmq": ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS"),
    "valkey": ("VALKEY_PASSWORD", "REDISCLI_AUTH"),
    "backup": DATABASE,
}
WEB = (
    *("SECRET_KEY", "ALLOWED_HOSTS", "TRUSTED_PROXIES", *DATABASE, "BROKER_URL", "REDIS_URL"),
    *("VAPID_PRIVATE_KEY", "METRICS_TOKEN", "FLOWER_URL"),
)
# What those get that look at everything: `check --deploy`, and an operator's commands.
OPERATORS = (
    *(*WEB, "BROKER_MANAGEMENT_URL", "VAPID_SUBJECT", *MAIL),
    *("FLOWER_BASIC_AUTH", "FLOWER_BROKER_API"),
)
OURS = {
    "migrate": DATABASE,
    "broker-users": ("BROKER_URL", "BROKER_MANAGEMENT_URL", "FLOWER_BROKER_API"),
    "check": OPERATORS,
    "manage": OPERATORS,
    "web": WEB,
    "relay": (*DATABASE, "BROKER_URL"),
    **{
        each.name: (*DATABASE, "BROKER_URL", *each.variables)
        for each in chain(processes.consumers(), processes.workers())
    },
    "beat": ("BROKER_URL",),
    "flower": ("BROKER_URL", "FLOWER_BASIC_AUTH", "FLOWER_BROKER_API"),
}


def contents(answers: Answers, known: Mapping[str, str], places: Places) -> dict[str, str]:
    """The text of each service's file, by the service's name."""
    values = variables(answers, known, places)
    texts = {}
    for name, wanted in {**SERVERS, **OURS}.items():
        own = {variable: values[variable] for variable in wanted}
        if name == "flower":
            own["BROKER_URL"] = flower_broker(known, places)
        if name in OURS and (without := [each for each in SECRETS if each not in wanted]):
            own["WITHOUT"] = ",".join(without)
        texts[name] = HEADER + "".join(f"{key}={value}\n" for key, value in own.items())
    # KEDA looks at the lanes as Flower does; it adds the path of the management API itself.
    watching = values["FLOWER_BROKER_API"].removesuffix("/api/")
    return texts | {"keda": f"{HEADER}host={watching}\n"}


def write(folder: Path, answers: Answers, known: Mapping[str, str], places: Places) -> list[str]:
    """Write a file for each service into the folder; returns the files' names."""
    for name, text in contents(answers, known, places).items():
        write_private(folder / f"{name}.env", text)
    write_private(folder / "kustomization.yaml", KUSTOMIZATION)
    settings = folder / "settings.env"
    if not settings.exists():
        write_private(settings, SETTINGS)
    return sorted(path.name for path in folder.glob("*.env"))


SETTINGS = """\
# Settings of your own, for all of Connectify's processes: docs/operations.md lists them. No
# secrets: every process reads this file. bin/env never changes it.
# CORS_ALLOWED_ORIGINS=https://example.com
"""


# For kubernetes/: a Secret for each process, of its file. The servers' own files are for whoever
# runs the servers.
KUSTOMIZATION = """\
# Written by bin/env.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
# ServiceMonitors and KEDA name secrets where kustomize would not follow a name with a hash. So
# after another bin/env: kubectl rollout restart deployment
generatorOptions: {disableNameSuffixHash: true}
configMapGenerator:
  - {name: settings, envs: [settings.env]}
secretGenerator:
""" + "".join(f"  - {{name: {name}, envs: [{name}.env]}}\n" for name in (*OURS, "keda"))


def for_compose(answers: Answers, known: Mapping[str, str]) -> str:
    """docker/.env, which compose itself reads: the host name for Caddy, and the contents of the
    files that Prometheus gets."""
    return HEADER + (
        f"DOMAIN={answers.domain}\n"
        f"METRICS_TOKEN={known['metrics']}\n"
        # In single quotes compose replaces nothing.
        f"PROMETHEUS_WEB='{prometheus_web(known)}'\n"
    )


def logins(known: Mapping[str, str]) -> dict[str, str]:
    """What the operator logs in with, by the service: name and password."""
    return {
        "Flower": f"{OPERATOR} / {known['flower']}",
        "Prometheus": f"{OPERATOR} / {known['prometheus'].split()[0]}",
    }
