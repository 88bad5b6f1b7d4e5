"""The settings, as a process reads them when it starts."""

import re
import runpy
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from connectify.environment import SECRETS
from tests.devtools.deployment import written

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = ROOT / "connectify" / "settings.py"
# Settings that may be 0.
ZERO = ("TRUSTED_PROXIES", "METRICS_PORT", "OVERLOAD_FREE_DISK", "TIMELINE_LARGE_AUDIENCE")


@pytest.fixture(scope="module")
def production() -> dict[str, str]:
    """What bin/env writes for an operator's commands."""
    return {"PATH": "/usr/bin:/bin"} | written.service("manage")


def manage(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_of_bin_env_are_fit_for_production(production):
    done = manage(production, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_settings_without_https_are_not_fit_for_production(production):
    done = manage(production | {"HTTPS": "0"}, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode != 0
    assert "SECURE_SSL_REDIRECT" in done.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_no_process_starts_without_its_secrets(production, name):
    environ = {key: value for key, value in production.items() if key != name}
    done = manage(environ, "check")
    assert done.returncode != 0
    assert f"{name} is not set" in done.stderr
    assert not any(value in done.stderr for key, value in production.items() if key in SECRETS)


USES = {
    "SECRET_KEY": "from django.core.signing import dumps; dumps(1)",
    "DATABASE_URL": "from social.models import User; User.objects.count()",
    "BROKER_URL": "from events.publisher import Publisher; Publisher(settings.BROKER_URL).open()",
    "REDIS_URL": "from django.core.cache import cache; cache.get('key')",
    "VAPID_PRIVATE_KEY": "from notifications import webpush;"
    " webpush.public_key(settings.VAPID_PRIVATE_KEY)",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_process_may_do_without_a_secret_that_it_does_not_use(production, name):
    environ = {key: value for key, value in production.items() if key != name}
    code = f"from django.conf import settings\nprint(settings.BROKER_URL)\n{USES[name]}"
    done = manage(environ | {"WITHOUT": name}, "shell", "--no-imports", "-c", code)
    assert done.stdout, done.stderr
    assert "Error" in done.stderr or "ImproperlyConfigured" in done.stderr


def test_a_process_cannot_do_without_a_secret_that_there_is_not(production):
    done = manage(production | {"WITHOUT": "SECRETKEY"}, "check")
    assert "WITHOUT has 'SECRETKEY'; allowed are SECRET_KEY" in done.stderr


WEAK = {
    "short": "k4Jx8vQz",
    "of 31 characters": secrets.token_hex(16)[:31],
    "nothing": "",
    "one character": "x" * 64,
    "a few characters": "abcab" * 13 + "b",
    "a word again and again": "correct-horse-" * 5,
    "a word twice and a half": "correct-horse-battery-staple-" * 2 + "correct-horse",
    "one of a repository": "django-insecure-" + secrets.token_hex(32),
    "digits again and again": "0123456789" * 5,
}


@pytest.mark.parametrize("kind", WEAK)
def test_no_process_starts_with_a_key_that_can_be_guessed(production, kind):
    done = manage(production | {"SECRET_KEY": WEAK[kind]}, "check")
    assert done.returncode != 0
    assert "SECRET_KEY can be guessed" in done.stderr
    assert not WEAK[kind] or WEAK[kind] not in done.stderr


AS_IT_IS = """
from django.conf import settings
print(settings.SECRET_KEY, settings.BROKER_URL, settings.DATABASES["default"]["PASSWORD"])
print(settings.ALLOWED_HOSTS, settings.METRICS_TOKEN, settings.DEFAULT_FROM_EMAIL)
"""


def test_a_dollar_sign_in_a_value_is_not_expanded(production):
    key = "$OTHER_" + secrets.token_hex(32)
    given = {
        "SECRET_KEY": key,
        "BROKER_URL": "$OTHER",
        "DATABASE_URL": "postgres://connectify:$OTHER@db/connectify",
        "ALLOWED_HOSTS": "$OTHER,b.example",
        "METRICS_TOKEN": "$$OTHER",
        "DEFAULT_FROM_EMAIL": "${OTHER}",
    }
    others = {"OTHER": "other", "OTHER_" + key.partition("_")[2]: "other" * 20}
    done = manage(production | others | given, "shell", "--no-imports", "-c", AS_IT_IS)
    assert done.stdout.splitlines() == [
        f"{key} $OTHER $OTHER",
        "['$OTHER', 'b.example'] $$OTHER ${OTHER}",
    ], done.stderr


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_DIRECT_URL", "EMAIL_URL"])
def test_a_dollar_sign_in_an_address_is_not_expanded_either(production, name):
    others = {"OTHER": "postgres://connectify:secret@elsewhere/connectify"}
    given = {name: "$OTHER"}
    code = "from django.conf import settings; print(settings.DATABASES, settings.DATABASE_DIRECT)"
    done = manage(production | others | given, "shell", "--no-imports", "-c", code)
    assert "elsewhere" not in done.stdout


@pytest.mark.parametrize("value", ["$OTHER", "ture", "2", "-"])
def test_a_boolean_is_on_or_off(monkeypatch, value):
    monkeypatch.setenv("HTTPS", value)
    with pytest.raises(ImproperlyConfigured, match=r"^HTTPS is .*; it must be 1 or 0"):
        runpy.run_path(str(SETTINGS))


ROUTES = """
from django.urls import resolve, reverse
print(reverse("admin:index"), resolve("/hidden/here/").view_name)
resolve("/admin/")
"""


def test_the_admin_is_at_the_path_of_the_setting_only(production):
    done = manage(
        production | {"ADMIN_PATH": "hidden/here/"}, "shell", "--no-imports", "-c", ROUTES
    )
    assert done.stdout.split() == ["/hidden/here/", "admin:index"]
    assert "Resolver404" in done.stderr


NUMBERS = """
from django.conf import settings
print(settings.TIMELINE_KEEP.days, settings.PARTITION_POSTS, settings.OVERLOAD_FREE_DISK)
print(settings.THROTTLES["post"])
"""


def test_numbers_are_read_with_their_bounds_included(production):
    given = {
        "TIMELINE_KEEP_DAYS": "1",
        "PARTITION_POSTS": "10000000",
        "OVERLOAD_FREE_DISK": "0",
        "THROTTLE_POST": "user=1;address=1000000000",
    }
    done = manage(production | given, "shell", "--no-imports", "-c", NUMBERS)
    assert done.stdout.splitlines() == [
        "1 10000000 0.0",
        "{'user': 1, 'address': 1000000000}",
    ], done.stderr


NAMES = sorted(set(re.findall(r'env\.(?:number|days)\("(\w+)"', SETTINGS.read_text())))


@pytest.mark.parametrize("value", ["-1", "x", "", str(2**63), "1e400", "nan"])
@pytest.mark.parametrize("name", NAMES)
def test_a_number_out_of_bounds_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} is '{value}'; it must be .* from "):
        runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(ZERO)])
def test_zero_is_refused_if_at_least_one_is_needed(monkeypatch, name):
    monkeypatch.setenv(name, "0")
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is '0'; "):
        runpy.run_path(str(SETTINGS))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("user=0", "user in THROTTLE_POST is '0'; it must be a whole number from 1 to "),
        ("user=-5;token=1", "user in THROTTLE_POST is '-5'"),
        ("token=many", "token in THROTTLE_POST is 'many'"),
        ("user", "user in THROTTLE_POST is ''"),
        ("usr=5", "THROTTLE_POST has 'usr'; allowed are user, token, address"),
    ],
)
def test_a_malformed_rate_is_refused(monkeypatch, value, message):
    monkeypatch.setenv("THROTTLE_POST", value)
    with pytest.raises(ImproperlyConfigured, match=re.escape(message)):
        runpy.run_path(str(SETTINGS))


def test_a_process_says_what_is_wrong_and_does_not_start(production):
    done = manage(production | {"TIMELINE_KEEP_DAYS": "-3"}, "check")
    assert done.returncode != 0
    message = "TIMELINE_KEEP_DAYS is '-3'; it must be a whole number from 1 to 36500"
    assert message in done.stderr.splitlines()[-1]
