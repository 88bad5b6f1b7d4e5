"""A server's process is found again by whoever comes later, and nobody else's is ever touched."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devtools.servers.proc import started_at
from devtools.servers.process import Process, ServerFailure

SLEEP = ["sleep", "60"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
    "time.sleep(60)",
]
WITH_CHILD = ["sh", "-c", "sleep 60 & echo $!; wait"]


@pytest.fixture
def process(tmp_path):
    process = Process(tmp_path / "process")
    yield process
    process.kill()


def spawn(process: Process, argv: list[str]) -> Path:
    log = process.record.with_name("log")
    process.spawn(argv, log=log, cwd=log.parent, environ=os.environ)
    return log


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 10
    while not (text := log.read_text()):
        assert time.monotonic() < deadline, "the process wrote nothing"
        time.sleep(0.01)
    return text.strip()


def test_a_later_caller_finds_the_process_by_its_record(process):
    spawn(process, SLEEP)
    assert Process(process.record).pid == process.pid is not None


def test_a_process_has_a_session_of_its_own(process):
    spawn(process, SLEEP)
    assert os.getsid(process.pid) == process.pid


def test_a_recycled_pid_is_neither_reported_nor_killed(process):
    stranger = subprocess.Popen(SLEEP)
    try:
        process.record.write_text(f"{stranger.pid} {started_at(stranger.pid) - 1}\n")
        assert process.pid is None
        process.kill()
        process.terminate(signal.SIGTERM, limit=1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("record", ["", "12", "12 None\n", "one two\n"])
def test_a_record_cut_short_means_that_nothing_runs(process, record):
    process.record.write_text(record)
    assert process.pid is None


def test_a_zombie_counts_as_dead():
    child = subprocess.Popen(SLEEP)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert started_at(child.pid) is None
    child.wait()


def test_a_program_name_with_brackets_and_spaces_does_not_shift_the_start_time(tmp_path):
    odd = shutil.copy(shutil.which("sleep"), tmp_path / "a) S 1 (b")
    plain, named = subprocess.Popen(SLEEP), subprocess.Popen([odd, "60"])
    try:
        assert 0 <= started_at(named.pid) - started_at(plain.pid) < 1000
    finally:
        for child in (plain, named):
            child.kill()
            child.wait()


def test_terminate_asks_first_and_forgets_the_process(process):
    spawn(process, SLEEP)
    assert process.terminate(signal.SIGTERM, limit=10)
    assert process.pid is None
    assert not process.record.exists()


def test_a_process_deaf_to_sigterm_is_killed_after_the_limit(process):
    first_line(spawn(process, DEAF))
    assert not process.terminate(signal.SIGTERM, limit=0.2)
    assert process.pid is None


def test_kill_takes_the_children_along(process):
    child = int(first_line(spawn(process, WITH_CHILD)))
    process.kill()
    deadline = time.monotonic() + 5
    while started_at(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert started_at(child) is None


def test_a_missing_program_is_named(process):
    with pytest.raises(ServerFailure, match="/no/such/server cannot be run"):
        spawn(process, ["/no/such/server"])
