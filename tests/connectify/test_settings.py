"""The settings as a process reads them when it starts."""

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "docker" / "env.example"
SECRETS = ("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "REDIS_URL", "VAPID_PRIVATE_KEY")


@pytest.fixture(scope="module")
def production() -> dict[str, str]:
    """The documented example, its secrets filled in."""
    lines = (line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#")
    filled = dict(line.replace("CHANGE", secrets.token_hex(32)).split("=", 1) for line in lines)
    return {"PATH": "/usr/bin:/bin"} | filled


def manage(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_documented_settings_are_fit_for_production(production):
    done = manage(production, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_without_https_they_are_not(production):
    done = manage(production | {"HTTPS": "0"}, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode != 0
    assert "SECURE_SSL_REDIRECT" in done.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_starts_without_its_secrets(production, name):
    environ = {key: value for key, value in production.items() if key != name}
    done = manage(environ, "check")
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr
    assert not any(value in done.stderr for key, value in production.items() if key in SECRETS)


ROUTES = """
from django.urls import resolve, reverse
print(reverse("admin:index"), resolve("/hidden/here/").view_name)
resolve("/admin/")
"""


def test_the_admin_is_where_the_setting_says_and_nowhere_else(production):
    done = manage(
        production | {"ADMIN_PATH": "hidden/here/"}, "shell", "--no-imports", "-c", ROUTES
    )
    assert done.stdout.split() == ["/hidden/here/", "admin:index"]
    assert "Resolver404" in done.stderr
