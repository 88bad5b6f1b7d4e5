"""The compose file and the image, without a container engine: checked by their specifications, and
every command line of ours run as it stands there."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from connectify.installed import APPS
from devtools.deployment import files
from devtools.processes import QUEUES, WORKERS
from devtools.processes.readiness import answers, consumed
from devtools.servers.ports import Ports
from events.lanes import lanes as DECLARED
from events.registry import subscribers
from operations.management.commands.processes import written
from tests.docker.deployed import (
    DOCKER,
    ONCE,
    OURS,
    ROOT,
    SERVICES,
    Deployment,
    as_here,
    deployment,
)
from tests.waiting import until

BIN = Path(sys.executable).parent
# What they get is in .env.
BY_ENV = ("prometheus", "caddy")
STAYING = [name for name, service in OURS.items() if name not in ONCE and "profiles" not in service]


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker/compose.yaml"],
        ["hadolint", "docker/Dockerfile"],
    ],
    ids=lambda command: command[0],
)
def test_linters_find_nothing(command):
    program = [str(BIN / command[0]), *command[1:]]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_queue_has_its_process():
    consumers = {s["command"][3] for s in OURS.values() if s["command"][2:3] == ["consume"]}
    assert consumers == {*subscribers, "dead_letters"}
    workers = [s["command"] for s in OURS.values() if "-Q" in s["command"]]
    lanes = [lane for command in workers for lane in command[command.index("-Q") + 1].split(",")]
    assert sorted(lanes) == sorted(DECLARED)


def test_every_folder_of_ours_is_in_the_image_and_no_other():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    folders = {path.partition("/")[0] for path in tracked if "/" in path}
    assert {name for name in folders if name[0] != "."} - set(ignored) == {*APPS, "connectify"}
    # Files beside them may hold secrets, and so only named ones are copied.
    files = {"requirements.lock", "manage.py", "celery_app.py", "gunicorn.conf.py"}
    assert ignored.index("*.*") < min(ignored.index(f"!{name}") for name in files)
    assert {line[1:] for line in ignored if line.startswith("!")} == files


@pytest.mark.parametrize("name", ["compose.yaml", "prometheus.yml"])
def test_the_files_are_as_the_declared_processes_demand(name):
    assert (DOCKER / name).read_text() == written()[name]


def test_prometheus_asks_every_process_that_has_figures():
    jobs = yaml.safe_load((DOCKER / "prometheus.yml").read_text())["scrape_configs"]
    names = jobs[1]["dns_sd_configs"][0]["names"]
    # Of the others web has a job of its own, and beat and Flower serve no figures.
    assert names == [name for name in STAYING if name not in ("web", "beat", "flower")]


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in BY_ENV])
def test_a_service_gets_the_settings_and_its_own_secrets(name):
    own = f"env/{name}.env"
    assert SERVICES[name]["env_file"] == (["env/settings.env", own] if name in OURS else own)
    assert name in {**files.SERVERS, **files.OURS}


@pytest.mark.parametrize("name", OURS)
def test_our_processes_are_confined_and_stop_gracefully(name):
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["stop_grace_period"]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "caddy"])
def test_ports_are_of_this_machine_only(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.fixture
def deployed(tmp_path, broker, db) -> Iterator[Deployment]:
    with deployment(tmp_path) as made:
        yield made


@pytest.fixture
def places(tmp_path) -> Ports:
    ports = Ports(tmp_path / "ports.json")
    ports.claim("web", "flower")
    return ports


def command_of(name: str, ports: Ports) -> list[str]:
    """As it stands in the file, but for ports and addresses of this machine."""
    changed = {
        "0.0.0.0:8000": f"127.0.0.1:{ports['web']}",
        "--port=5555": f"--port={ports['flower']}",
    }
    arguments = as_here(OURS[name]["command"], **changed)
    return [sys.executable, *arguments, *(["--address=127.0.0.1"] if name == "flower" else [])]


def started(name: str, deployed: Deployment, ports: Ports) -> subprocess.Popen:
    """Its log is beside its variables."""
    with (deployed.folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            command_of(name, ports),
            cwd=ROOT,
            env=deployed.environ(name),
            stdout=log,
            stderr=subprocess.STDOUT,
        )


POST = """
from django.utils import timezone
from social import posts, relations
from social.models import User
alice = User.objects.create(username="alice", email="alice@example.com")
bob = User.objects.create(username="bob")
relations.follow(bob, alice, now=timezone.now())
print(posts.publish(alice, "Hello", now=timezone.now()).pk)
"""
ARRIVED = """
from operations import canary
from timelines.models import TimelineEntry
print(TimelineEntry.objects.filter(owner__username="bob").count())
print(any(flight.arrived for flight in canary.flights()))
"""


@pytest.mark.slow  # Fourteen processes start and stop.
@pytest.mark.timeout(300)
def test_every_command_line_runs_with_its_own_secrets_and_stops_when_it_is_told(deployed, places):
    for name in ONCE:
        done = deployed.run(name)
        assert done.returncode == 0, done.stdout + done.stderr
    assert deployed.inside(POST)
    running = {name: started(name, deployed, places) for name in STAYING}
    web, flower = (f"http://localhost:{places[name]}" for name in ("web", "flower"))
    try:
        until(consumed(deployed.environ("relay")["BROKER_URL"], *QUEUES), 120)
        until(answers(f"{web}/health/live/"), 60)
        until(answers(f"{flower}/healthcheck"), 60)
        sees_the_workers(flower, deployed)
        token = {"Authorization": f"Bearer {deployed.known['metrics']}"}
        figures = requests.get(f"{web}/metrics", headers=token, timeout=10)
        assert "connectify_operations_broker_up 1.0" in figures.text
        until(lambda: deployed.inside(ARRIVED).split() == ["1", "True"], 90, every=2)
        assert [name for name, process in running.items() if process.poll() is not None] == []
        sends_a_link(web, deployed)
        doctor = deployed.run("manage")
        assert "BAD" not in doctor.stdout, doctor.stdout
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(60) for name, process in running.items()}
    assert set(codes.values()) == {0}, codes


def sends_a_link(web: str, deployed: Deployment) -> None:
    """Whoever has forgotten a password gets a mail, with a signed link to the client's page."""
    answer = requests.post(
        f"{web}/api/v1/accounts/password/forgotten/",
        json={"email": "alice@example.com"},
        headers={"X-Forwarded-Proto": "https"},
        timeout=10,
    )
    assert answer.status_code == 202, answer.text
    folder = deployed.folder / "mails"
    mails = until(lambda: "".join(mail.read_text() for mail in folder.iterdir()))
    assert "https://example.com/reset-password?" in mails


def sees_the_workers(flower: str, deployed: Deployment) -> None:
    """Flower asks for its login, and then shows every worker and the queues."""
    login = ("operator", deployed.known["flower"])
    assert requests.get(f"{flower}/api/workers", timeout=10).status_code == 401

    def workers() -> set[str]:
        answer = requests.get(f"{flower}/api/workers?refresh=1", auth=login, timeout=30)
        return {name.partition("@")[0] for name in answer.json()} if answer.ok else set()

    until(lambda: workers() == {each.node for each in WORKERS.values()}, 60)
    queues = requests.get(f"{flower}/api/queues/length", auth=login, timeout=10).json()
    assert set(DECLARED) <= {queue["name"] for queue in queues["active_queues"]}
