"""The most telling rows of bin/faults, each run as a user runs it; two of them always."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def faults(*arguments: str) -> tuple[int, list[dict]]:
    """The exit status, and the outcomes."""
    done = subprocess.run(
        [sys.executable, "-m", "devtools.faults", *arguments, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def assert_passed(*rows: int) -> None:
    status, outcomes = faults("run", *map(str, rows))
    assert [outcome["row"] for outcome in outcomes] == list(rows)
    for outcome in outcomes:
        assert outcome["passed"], outcome
        assert (outcome["lost"], outcome["duplicates"], outcome["unexpected"]) == (0, 0, 0)
    assert status == 0


# One start of all servers and processes serves both.
@pytest.mark.slow  # All servers and processes once more, under load.
@pytest.mark.timeout(240)
def test_a_worker_dies_after_its_commit_and_the_broker_dies_under_load():
    assert_passed(9, 14)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_relay_worker_and_retry_meet_their_worst_moments():
    assert_passed(4, 7, 22)


@pytest.mark.slow
@pytest.mark.timeout(1_000)
def test_without_a_guard_each_run_fails():
    status, outcomes = faults("prove")
    found = {
        "late acks": "lost",
        "confirms": "lost",
        "unique key": "duplicates",
        "reading whatever strangers send": "late",
        "time limits": "late",
    }
    assert [outcome["row"] for outcome in outcomes] == list(found)
    for outcome in outcomes:
        assert not outcome["passed"]
        assert outcome[found[outcome["row"]]] > 0
    assert status == 0
