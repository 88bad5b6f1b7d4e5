"""The compose file and the image, without a container engine: checked by their specifications, and
every command line of ours run as it stands there."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
import yaml
from django.db import connection

from connectify.installed import APPS
from devtools.processes import QUEUES, WORKERS
from devtools.processes.readiness import answers, consumed
from devtools.servers.ports import Ports
from events.lanes import lanes as DECLARED
from events.registry import subscribers
from operations.management.commands.processes import written
from tests.environment import available
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKER = ROOT / "docker"
SERVICES = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ONCE = ("migrate", "monitoring-user")
BIN = Path(sys.executable).parent
EXECUTABLES = {"python": [], "celery": ["-m", "celery"], "gunicorn": ["-m", "gunicorn"]}


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
    assert names == [name for name in OURS if name not in (*ONCE, "web", "beat", "flower")]


@pytest.mark.parametrize("name", OURS)
def test_our_processes_are_confined_and_stop_gracefully(name):
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["stop_grace_period"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_ports_are_of_this_machine_only(name):
    image = SERVICES[name].get("image", "ours:1")
    assert any(character.isdigit() for character in image.partition(":")[2])
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.fixture
def environ(tmp_path, transactional_db) -> dict[str, str]:
    """What .env and the compose file set, for the tests' servers."""
    name = connection.settings_dict["NAME"]
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    (tmp_path / "metrics").mkdir()
    management = urlsplit(available["BROKER_MANAGEMENT_URL"])
    host = management.netloc.rpartition("@")[2]
    return os.environ | {
        "DATABASE_URL": url,
        "DATABASE_DIRECT_URL": url,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "FLOWER_BROKER_API": f"http://monitoring:5f1cb2@{host}/api/",
        "METRICS_TOKEN": "let me in",
        "CANARY": "1",
    }


def command_of(name: str, web: int, flower: int) -> list[str]:
    """As it stands in the file, but for ports and places of this machine."""
    program, *arguments = OURS[name]["command"]
    changed = {
        "0.0.0.0:8000": f"127.0.0.1:{web}",
        "--port=5555": f"--port={flower}",
    }
    arguments = [changed.get(argument, argument) for argument in arguments]
    if name == "flower":
        arguments.append("--address=127.0.0.1")
    return [sys.executable, *EXECUTABLES[program], *arguments]


@pytest.mark.slow  # Fourteen processes start and stop.
@pytest.mark.timeout(300)
def test_every_command_line_runs_and_stops_when_it_is_told(environ, tmp_path, broker):
    ports = Ports(tmp_path / "ports.json")
    ports.claim("web", "flower")
    places = (ports["web"], ports["flower"])
    for name in ONCE:
        subprocess.run(command_of(name, *places), cwd=ROOT, env=environ, check=True)
    running = {
        name: subprocess.Popen(
            command_of(name, *places), cwd=ROOT, env=environ, stderr=subprocess.DEVNULL
        )
        for name in OURS
        if name not in ONCE
    }
    try:
        until(consumed(environ["BROKER_URL"], *QUEUES), 120)
        until(answers(f"http://127.0.0.1:{ports['web']}/health/live/"), 60)
        until(answers(f"http://127.0.0.1:{ports['flower']}/healthcheck"), 60)
        sees_the_workers(f"http://127.0.0.1:{ports['flower']}", environ)
        figures = requests.get(
            f"http://127.0.0.1:{ports['web']}/metrics",
            headers={"Authorization": "Bearer let me in"},
            timeout=10,
        )
        assert "connectify_operations_broker_up 1.0" in figures.text
        assert [name for name, process in running.items() if process.poll() is not None] == []
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(60) for name, process in running.items()}
    assert set(codes.values()) == {0}, codes


def sees_the_workers(flower: str, environ: dict[str, str]) -> None:
    """Flower asks for its login, and then shows every worker and the queues."""
    login = tuple(environ["FLOWER_BASIC_AUTH"].split(":", 1))
    assert requests.get(f"{flower}/api/workers", timeout=10).status_code == 401

    def workers() -> set[str]:
        answer = requests.get(f"{flower}/api/workers?refresh=1", auth=login, timeout=30)
        return {name.partition("@")[0] for name in answer.json()} if answer.ok else set()

    until(lambda: workers() == {each.node for each in WORKERS.values()}, 60)
    queues = requests.get(f"{flower}/api/queues/length", auth=login, timeout=10).json()
    assert set(DECLARED) <= {queue["name"] for queue in queues["active_queues"]}
