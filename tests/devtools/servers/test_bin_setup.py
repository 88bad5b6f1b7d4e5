"""bin/setup says plainly what is missing, and two runs at once do no harm."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SETUP = ROOT / "bin/setup"
LOCK = "requirements-dev.lock"
# The part that names uv, by which the rest is installed.
UV = re.search(r"^uv==.*?\n    #.*?\n", (ROOT / LOCK).read_text(), re.MULTILINE | re.DOTALL)[0]
ANOTHER = "idna==3.11 \\\n    --hash=sha256:{}\n"


@pytest.fixture
def clone(tmp_path):
    """A clone that installs nothing but uv, in a path with a space."""
    clone = tmp_path / "a clone"
    (clone / "bin").mkdir(parents=True)
    shutil.copy(SETUP, clone / "bin/setup")
    (clone / LOCK).write_text(UV)
    return clone


def start(clone: Path, *arguments: str, python: str = sys.executable) -> subprocess.Popen:
    return subprocess.Popen(
        [clone / "bin/setup", *arguments],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHON": python},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(clone: Path, *arguments: str, python: str = sys.executable) -> tuple[int, str, str]:
    with start(clone, *arguments, python=python) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def fake_python(directory: Path, script: str) -> str:
    path = directory / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_old_python_is_named_with_its_version(clone, tmp_path):
    old = fake_python(tmp_path, 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac')
    code, _, err = run(clone, python=old)
    assert code == 1
    assert "Python 3.11 or newer is needed" in err
    assert "Python 3.9.2" in err
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_gets_the_one_command_that_mends_it(clone, tmp_path):
    bare = fake_python(tmp_path, 'case "$2" in *venv*) exit 1;; esac')
    code, _, err = run(clone, python=bare)
    assert code == 1
    assert "apt-get install python3-venv" in err


def test_a_missing_python_is_named(clone):
    code, _, err = run(clone, python="python-of-nowhere")
    assert code == 1
    assert "python-of-nowhere not found" in err


@pytest.mark.slow
def test_the_second_run_takes_a_second_and_says_nothing_when_quiet(clone):
    assert run(clone)[0] == 0
    begun = time.monotonic()
    assert run(clone, "--quiet") == (0, "", "")
    assert run(clone) == (0, ".venv is up to date\n", "")
    assert time.monotonic() - begun < 2


@pytest.mark.slow
def test_two_runs_at_once_install_once_and_both_succeed(clone):
    with start(clone) as first, start(clone) as second:
        said = [first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]]
    assert [first.returncode, second.returncode] == [0, 0]
    assert sum("installing" in text for text in said) == 1
    assert (clone / ".venv/bin/python").exists()


@pytest.mark.slow
def test_a_changed_lock_is_installed_and_a_complaint_is_shown_whole(clone):
    assert run(clone)[0] == 0
    (clone / LOCK).write_text(UV + "./no-such-directory\n")
    code, _, err = run(clone)
    assert code == 1
    assert "no-such-directory" in err
    assert run(clone)[0] == 1  # A failure leaves no stamp behind.


@pytest.mark.slow
def test_a_moved_clone_gets_a_new_venv(clone):
    assert run(clone)[0] == 0
    moved = clone.rename(clone.with_name("moved"))
    assert run(moved)[0] == 0
    assert (moved / ".venv/made-at").read_text() == f"{moved}\n"


@pytest.mark.slow
@pytest.mark.parametrize("lock", [ANOTHER.format("0" * 64), "idna==3.11\n"])
def test_a_package_without_the_hash_of_the_lock_is_not_installed(clone, lock):
    (clone / LOCK).write_text(UV + lock)
    code, _, err = run(clone)
    assert code == 1
    assert "hash" in err.lower()
    assert not list((clone / ".venv/lib").glob("*/site-packages/idna"))


@pytest.mark.slow
def test_what_the_lock_does_not_name_any_more_is_removed(clone):
    idna = re.search(r"^idna==.*?\n    #.*?\n", (ROOT / LOCK).read_text(), re.MULTILINE | re.DOTALL)
    (clone / LOCK).write_text(UV + idna[0])
    assert run(clone)[0] == 0
    assert list((clone / ".venv/lib").glob("*/site-packages/idna"))
    (clone / LOCK).write_text(UV)
    assert run(clone)[0] == 0
    assert not list((clone / ".venv/lib").glob("*/site-packages/idna"))
