"""The servers of the compose file: their command lines, run by the binaries at hand."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
import requests

from devtools.deployment.variables import prometheus_web
from devtools.servers.ports import Ports
from devtools.servers.postgres import binaries
from devtools.servers.valkey import binary
from tests.devtools.deployment import written
from tests.docker.deployed import SERVICES
from tests.environment import available
from tests.waiting import until


@contextmanager
def running(*command: str | Path, environ: dict[str, str] | None = None) -> Iterator[None]:
    """A server for the length of the block, which must end by itself when it is asked to."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | (environ or {}),
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def answering(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as valkey:
            return valkey.ping()
    except redis.ConnectionError:
        return False


def status(url: str, login: tuple[str, str]) -> int | None:
    """Of a GET; None while nobody answers."""
    try:
        return requests.get(url, auth=login, timeout=5).status_code
    except requests.ConnectionError:
        return None


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


def test_valkey_takes_its_settings_and_asks_for_its_password(tmp_path):
    ports = Ports(tmp_path / "ports.json")
    ports.claim("valkey")
    place = f"{binary()} --bind 127.0.0.1 --port {ports['valkey']}"
    shell, option, script = SERVICES["valkey"]["command"]
    # Compose makes one $ of two.
    script = script.replace("$$", "$").replace("valkey-server", place)
    environ = written.service("valkey")
    server = f"127.0.0.1:{ports['valkey']}/0"
    with running(shell, option, script, environ=environ):
        until(lambda: answering(f"redis://:{environ['VALKEY_PASSWORD']}@{server}"), 20)
        assert not answering(f"redis://{server}")
        with redis.Redis.from_url(f"redis://:{environ['VALKEY_PASSWORD']}@{server}") as valkey:
            assert valkey.config_get("maxmemory")["maxmemory"] == str(128 * 1024**2)


def test_prometheus_takes_its_flags(tmp_path):
    if not (prometheus := shutil.which("prometheus")):
        pytest.skip("prometheus is not installed: it is in Debian's package of that name")
    ports = Ports(tmp_path / "ports.json")
    ports.claim("prometheus")
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    known = written.made_secrets()
    (tmp_path / "prometheus_web").write_text(prometheus_web(known))
    address = f"127.0.0.1:{ports['prometheus']}"
    ours = [
        flag.replace("/etc/prometheus", str(tmp_path)).replace("/run/secrets", str(tmp_path))
        for flag in SERVICES["prometheus"]["command"]
    ]
    place = [f"--web.listen-address={address}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with running(prometheus, *ours, *place):
        login = ("operator", known["prometheus"].split()[0])
        until(lambda: status(f"http://{address}/-/ready", login) == 200, 30)
        assert status(f"http://{address}/-/ready", ("operator", "another")) == 401
