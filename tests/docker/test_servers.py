"""The servers of the compose file: their command lines, run by the binaries at hand."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from devtools.processes.readiness import answers
from devtools.servers.ports import Ports
from devtools.servers.postgres import binaries
from devtools.servers.valkey import binary
from tests.docker.test_compose import SERVICES
from tests.environment import available
from tests.waiting import until


@contextmanager
def running(*command: str | Path) -> Iterator[None]:
    """A server for the length of the block, which must end by itself when it is asked to."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def answering(url: str) -> bool:
    try:
        return redis.Redis.from_url(url).ping()
    except redis.ConnectionError:
        return False


def test_postgresql_takes_its_settings(tmp_path):
    (tmp_path / "postgresql.conf").touch()
    ours = SERVICES["postgres"]["command"][1:]
    for setting, wanted in (each.split("=") for each in ours if "=" in each):
        asked = [binaries() / "postgres", "-C", setting, "-D", tmp_path, *ours]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == {"512MB": "65536"}.get(wanted, wanted)  # In pages of 8 kB.


@pytest.mark.django_db
def test_postgresql_is_healthy_when_it_answers():
    program, *check = SERVICES["postgres"]["healthcheck"]["test"][1:]
    server = urlsplit(available["DATABASE_URL"])

    def asked(port: int) -> int:
        place = ["-h", server.hostname, "-p", str(port)]
        command = [binaries() / program, *check, *place]
        return subprocess.run(command, check=False, capture_output=True).returncode

    assert asked(server.port) == 0
    assert asked(1) != 0


def test_valkey_takes_its_settings(tmp_path):
    ports = Ports(tmp_path / "ports.json")
    ports.claim("valkey")
    place = ["--bind", "127.0.0.1", "--port", str(ports["valkey"])]
    url = f"redis://127.0.0.1:{ports['valkey']}/0"
    with running(binary(), *SERVICES["valkey"]["command"][1:], *place):
        until(lambda: answering(url), 20)


def test_prometheus_takes_its_flags(tmp_path):
    if not (prometheus := shutil.which("prometheus")):
        pytest.skip("prometheus is not installed: it is in Debian's package of that name")
    ports = Ports(tmp_path / "ports.json")
    ports.claim("prometheus")
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    address = f"127.0.0.1:{ports['prometheus']}"
    ours = [
        flag.replace("/etc/prometheus", str(tmp_path)) for flag in SERVICES["prometheus"]["command"]
    ]
    place = [f"--web.listen-address={address}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with running(prometheus, *ours, *place):
        until(answers(f"http://{address}/-/ready"), 30)
