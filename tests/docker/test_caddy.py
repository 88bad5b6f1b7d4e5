"""The reverse proxy with docker/Caddyfile: TLS, and headers that a client cannot make up."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from devtools.servers.ports import Ports
from tests.docker.deployed import DOCKER
from tests.waiting import until

CADDY = Path(sys.executable).parent / "caddy"
# Here it listens on this machine alone, and trusts its own certificates without telling the system.
GLOBAL = """\
	http_port {http}
	https_port {https}
	default_bind 127.0.0.1
	skip_install_trust
"""


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it got."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ports(tmp_path) -> Ports:
    ports = Ports(tmp_path / "ports.json")
    ports.claim("http", "https")
    return ports


@pytest.fixture
def session(tmp_path, web, ports) -> Iterator[requests.Session]:
    """A client that trusts the proxy's certificates, once it answers."""
    options = GLOBAL.format(http=ports["http"], https=ports["https"])
    text = (DOCKER / "Caddyfile").read_text()
    text = text.replace("\tadmin off\n", f"\tadmin off\n{options}").replace("web:8000", web)
    (tmp_path / "Caddyfile").write_text(text)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "DOMAIN": "localhost",
    }
    command = [CADDY, "run", "--config", tmp_path / "Caddyfile", "--adapter", "caddyfile"]
    root = tmp_path / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with (tmp_path / "log").open("wb") as log:
        proxy = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        with requests.Session() as session:
            until(root.exists, 20)
            # Certificates of the machine's environment would go before this one.
            session.trust_env = False
            session.verify = str(root)
            until(lambda: answers(session, f"https://localhost:{ports['https']}/"), 20)
            yield session
    finally:
        proxy.terminate()
        assert proxy.wait(20) == 0


def answers(session: requests.Session, url: str) -> bool:
    try:
        return session.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_the_client_cannot_make_up_its_address(session, ports):
    made_up = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http", "Forwarded": "for=x"}
    seen = session.get(f"https://localhost:{ports['https']}/", headers=made_up, timeout=5).json()
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert seen["host"] == f"localhost:{ports['https']}"


def test_plain_http_is_sent_to_https(session, ports):
    answer = session.get(f"http://localhost:{ports['http']}/a", allow_redirects=False, timeout=5)
    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://localhost")


def test_figures_are_not_reached_from_outside(session, ports):
    assert session.get(f"https://localhost:{ports['https']}/metrics", timeout=5).status_code == 404


def test_its_caddyfile_is_formatted_as_caddy_does():
    done = subprocess.run(
        [CADDY, "fmt", "--diff", DOCKER / "Caddyfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
