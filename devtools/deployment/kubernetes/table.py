"""The processes of docker/compose.yaml, which is itself written from what the apps declare."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from devtools.deployment import files

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "docker" / "compose.yaml"
IMAGE = "connectify"
# They run once before the others.
ONCE = ("check", "broker-users", "migrate")
# A second beat or Flower does no harm, and helps nobody.
SINGLE = ("beat", "flower")
# What a process connects to, by the variable that has the address.
NEEDS = {
    "postgres": "DATABASE_URL",
    "rabbitmq": "BROKER_URL",
    "management": "BROKER_MANAGEMENT_URL",
    "valkey": "REDIS_URL",
    "mail": "EMAIL_URL",
}
# Who reaches the Internet: push services, for which the workers sign.
PUSH = "VAPID_SUBJECT"


@dataclass(frozen=True)
class Process:
    """`variables` are the names of those in its own file."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    memory: str
    cpus: str
    grace_seconds: int
    variables: tuple[str, ...]

    @property
    def replicas(self) -> int:
        return 1 if self.name in SINGLE else 2

    @property
    def serves_metrics(self) -> bool:
        """Whether its figures are at METRICS_PORT: web has them beside its pages."""
        return self.name not in (*ONCE, *SINGLE, "web")

    @property
    def labels(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": self.name, "app.kubernetes.io/part-of": "connectify"}

    @property
    def needs(self) -> list[str]:
        """The servers that it may connect to."""
        found = [name for name, variable in NEEDS.items() if variable in self.variables]
        if self.name == "flower":
            found.append("management")
        if self.name.startswith("notifications") and PUSH in self.variables:
            found.append("push")
        return found


def read(path: Path = COMPOSE) -> dict[str, Process]:
    """Our processes by name; those that an operator starts by hand are left out."""
    services = yaml.safe_load(path.read_text())["services"]
    ours = {
        name: service
        for name, service in services.items()
        if "build" in service and "profiles" not in service
    }
    return {name: _process(name, service) for name, service in ours.items()}


def _process(name: str, service: dict) -> Process:
    limits = service["deploy"]["resources"]["limits"]
    return Process(
        name=name,
        command=tuple(service["command"]),
        environment=dict(service["environment"]),
        memory=limits["memory"].replace("M", "Mi"),
        cpus=limits["cpus"],
        grace_seconds=int(service["stop_grace_period"].removesuffix("s")),
        variables=tuple(files.OURS[name]),
    )
