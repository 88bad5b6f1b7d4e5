"""A deployment as bin/env prepares it, on the private servers: a role, database, virtual host and
users of its own, made by what the compose file runs for that."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2
import yaml

from devtools.deployment import files
from devtools.deployment.variables import Places
from devtools.servers import vhosts
from devtools.servers.postgres import binaries
from tests.devtools.deployment import written
from tests.environment import available

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKER = ROOT / "docker"
SERVICES = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
# They run once and end, before the others.
ONCE = ("check", "broker-users", "migrate")
# Of the machine. Everything else that a process gets is in its own files.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
EXECUTABLES = {"python": [], "celery": ["-m", "celery"], "gunicorn": ["-m", "gunicorn"]}
NAME = "deployed"


@dataclass(frozen=True)
class Deployment:
    """`known` has its secrets; `environ(name)` is what a service gets, and nothing else of ours."""

    known: dict[str, str]
    places: Places
    folder: Path

    def environ(self, name: str) -> dict[str, str]:
        own = {key: os.environ[key] for key in INHERITED if key in os.environ}
        for file in SERVICES[name]["env_file"]:
            own |= written.read((self.folder / Path(file).name).read_text())
        return own | {"PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics")}

    def run(self, name: str, *command: str) -> subprocess.CompletedProcess:
        """Run a service's command, or another one, with its variables, to its end."""
        arguments = list(command) or as_here(OURS[name]["command"])
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ(name),
            check=False,
            capture_output=True,
            text=True,
        )

    def inside(self, code: str) -> str:
        """What this code prints, run by an operator."""
        done = self.run("manage", "manage.py", "shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout


def as_here(command: list[str], **changed: str) -> list[str]:
    """A command line for this Python; `changed` are words of it that differ here."""
    program, *arguments = command
    return [*EXECUTABLES[program], *(changed.get(word, word) for word in arguments)]


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """Write the files and make role and database; the virtual host is there, and empty."""
    database, broker = urlsplit(available["DATABASE_URL"]), urlsplit(available["BROKER_URL"])
    management = urlsplit(available["BROKER_MANAGEMENT_URL"])
    valkey = urlsplit(available["REDIS_URL"])
    vhosts.fresh(available["BROKER_MANAGEMENT_URL"], available["BROKER_URL"], NAME)
    known = written.made_secrets() | {
        "rabbitmq_administrator": unquote(management.password),
        "valkey": unquote(valkey.password),
    }
    places = Places(
        postgres=f"{database.hostname}:{database.port}",
        rabbitmq=f"{broker.hostname}:{broker.port}",
        management=f"{management.hostname}:{management.port}",
        valkey=f"{valkey.hostname}:{valkey.port}{valkey.path}",
        name=NAME,
        administrator=management.username,
        vhost=NAME,
    )
    (folder / "mails").mkdir()
    (folder / "metrics").mkdir()
    answers = replace(written.ANSWERS, email_url=f"filemail:///{folder}/mails")
    files.write(folder, answers, known, places)
    with role(written.read((folder / "postgres.env").read_text())):
        yield Deployment(known, places, folder)


@contextmanager
def role(environ: dict[str, str]) -> Iterator[None]:
    """What the image of PostgreSQL does with docker/postgres.sql; undone afterwards."""
    drop = (f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)", f"DROP ROLE IF EXISTS {NAME}")

    def undo() -> None:
        with closing(psycopg2.connect(available["DATABASE_URL"])) as superuser:
            superuser.autocommit = True
            for statement in drop:
                superuser.cursor().execute(statement)

    undo()
    psql = [binaries() / "psql", available["DATABASE_URL"], "-f", DOCKER / "postgres.sql"]
    subprocess.run(psql, env=os.environ | environ, check=True, capture_output=True)
    try:
        yield
    finally:
        undo()
