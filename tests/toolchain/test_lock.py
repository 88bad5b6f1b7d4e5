"""bin/lock --check notices each difference between a requirements file and its lock."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-dev.txt", "requirements.lock", "requirements-dev.lock")


@pytest.fixture
def clone(tmp_path) -> Path:
    (tmp_path / "bin").mkdir()
    for name in ("bin/lock", *FILES):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def check(clone: Path) -> subprocess.CompletedProcess:
    # Without a network, and without what bin/setup installs.
    return subprocess.run(
        [clone / "bin/lock", "--check"], cwd="/", capture_output=True, text=True, check=False
    )


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_locks_are_those_of_the_requirements(clone):
    done = check(clone)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("requirements.txt", "Django==5.2.19", "Django==5.2.18"),
        ("requirements.txt", "http_ece==1.2.1", "httpx==0.28.1"),
        ("requirements.txt", "whitenoise==", "# whitenoise=="),
        ("requirements.txt", "celery==", "no-such-package==1.0  # for nothing\ncelery=="),
        ("requirements-dev.txt", "PyYAML==6.0.4", "PyYAML==6.0.2"),
        ("requirements-dev.txt", "ruff==", "no-such-package==1.0\nruff=="),
        ("requirements.lock", "celery==5.7.0", "celery==5.7.1"),
        ("requirements-dev.lock", "celery==5.7.0", "celery==5.7.1"),
        ("requirements-dev.lock", "ruff==0.17.6", "ruff==0.17.5"),
        # Nobody asks for it by name, but a server and the tests shall have the same.
        ("requirements-dev.lock", "asgiref==", "asgiref==0."),
    ],
)
def test_a_difference_is_named_with_what_mends_it(clone, name, old, new):
    change(clone / name, old, new)
    done = check(clone)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("run bin/lock")


def test_another_reason_or_another_spelling_is_no_difference(clone):
    change(clone / "requirements.txt", "# the task queue", "# tasks; and retries")
    change(clone / "requirements.txt", "http_ece==", "HTTP.ece == ")
    assert check(clone).returncode == 0


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_package_has_hashes(name):
    blocks = (ROOT / name).read_text().split("\n")
    pins = [line for line in blocks if line[:1].isalnum()]
    assert len(pins) > 50
    assert [pin for pin in pins if not pin.endswith(" \\")] == []
