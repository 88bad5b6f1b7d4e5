"""What bin/test runs for which arguments. Lint, servers and Python are the test's own programs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = ["lint style imports", "lint "]
TOGETHER = "python -m pytest --numprocesses 4"
SLOW = "python -m pytest -m slow"


@pytest.fixture
def clone(tmp_path) -> Path:
    """A clone in which every program only notes how it was called."""
    for name in ("bin/lint", "bin/services", ".venv/bin/python"):
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(
            '#!/bin/sh\ncalled="$(basename "$0") $*"\n'
            f'echo "$called" >>"{tmp_path}/calls"\n'
            '[ "$called" != "$FAILING" ]\n'
        )
        program.chmod(0o755)
    shutil.copy(ROOT / "bin/test", tmp_path / "bin/test")
    return tmp_path


def run(clone: Path, *arguments: str, failing: str = "") -> tuple[int, list[str]]:
    """The exit status and the calls, of which `failing` fails. Lint and tests run beside each
    other, so lint's calls are put first."""
    environ = {"PATH": os.environ["PATH"], "FAILING": failing}
    done = subprocess.run(
        [clone / "bin/test", *arguments], env=environ, capture_output=True, text=True, check=False
    )
    assert ("has failed" in done.stderr) == (failing in ("lint ", TOGETHER, SLOW))
    calls = (clone / "calls").read_text().splitlines()
    return done.returncode, sorted(calls, key=lambda call: not call.startswith("lint"))


def test_without_arguments_lint_and_all_tests_run(clone):
    assert run(clone) == (0, [*LINT, "services status", TOGETHER])


def test_all_adds_the_slow_tests_after_the_others(clone):
    _, calls = run(clone, "--all")
    assert calls == [*LINT, "services status", TOGETHER, SLOW]


@pytest.mark.parametrize("arguments", [["-k", "outbox"], ["tests/events"], ["-x"]])
def test_tests_that_are_named_run_without_lint(clone, arguments):
    pytest_called = " ".join(["python -m pytest", *arguments])
    assert run(clone, *arguments) == (0, ["services status", pytest_called])


def test_named_tests_may_be_slow_ones(clone):
    calls = ["services status", "python -m pytest -m  tests/events"]
    assert run(clone, "--all", "tests/events") == (0, calls)


@pytest.mark.parametrize("failing", [TOGETHER, SLOW])
def test_a_failure_of_either_run_is_a_failure_and_stops_no_other(clone, failing):
    calls = [*LINT, "services status", TOGETHER, SLOW]
    assert run(clone, "--all", failing=failing) == (1, calls)


def test_a_failure_of_lint_is_a_failure_and_stops_no_test(clone):
    assert run(clone, failing="lint ") == (1, [*LINT, "services status", TOGETHER])


def test_tests_do_not_run_where_the_style_fails(clone):
    assert run(clone, failing="lint style imports") == (1, ["lint style imports"])


def test_servers_that_were_started_for_it_are_stopped(clone):
    calls = ["services status", "services up", "python -m pytest -x", "services down"]
    assert run(clone, "-x", failing="services status") == (0, calls)
