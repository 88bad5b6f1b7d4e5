"""bin/demo as a person calls it: what it refuses, and one whole run."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from devtools.demo.chaos import PROCESSES
from devtools.servers.process import Process
from devtools.servers.services import Services

ROOT = Path(__file__).parents[3]
NOWHERE = "127.0.0.1:1"


def demo(*arguments: str | Path, limit: float = 60, **environ: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [ROOT / "bin/demo", *arguments],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


def still_running(state: Path) -> list[str]:
    return [record.name for record in (state / "demo/run").glob("*") if Process(record).pid]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("1 2\n2 x\n", "follows.txt, line 2: 'x' is not an integer"),
        ("1 2\n3 3\n", "follows.txt, line 2: user 3 follows themselves"),
        ("", "follows.txt: has no follows"),
    ],
)
def test_a_broken_graph_file_is_named_in_one_line_and_nothing_starts(tmp_path, lines, complaint):
    path = tmp_path / "follows.txt"
    path.write_text(lines)

    done = demo("--graph", path)

    assert done.returncode == 2
    assert done.stderr == f"bin/demo: {complaint}\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments", [("--posts", "0"), ("--posts", "many"), ("--rate", "0"), ("--rate", "inf")]
)
def test_a_number_that_makes_no_sense_is_refused(arguments):
    done = demo(*arguments)

    assert done.returncode == 2
    assert arguments[0] in done.stderr


def test_a_server_that_is_not_there_is_named_with_its_address_and_what_to_do():
    nowhere = {
        "DATABASE_URL": f"postgres://somebody@{NOWHERE}/app",
        "BROKER_URL": f"amqp://somebody@{NOWHERE}//",
        "REDIS_URL": f"redis://{NOWHERE}/0",
    }

    done = demo("--posts", "1", **nowhere)

    assert done.returncode == 1
    for label, variable in (
        ("PostgreSQL", "DATABASE_URL"),
        ("RabbitMQ", "BROKER_URL"),
        ("Valkey", "REDIS_URL"),
    ):
        (line,) = [line for line in done.stderr.splitlines() if variable in line]
        assert label in line
        assert NOWHERE in line
        assert "start it" in line


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("options", "killed"),
    [([], []), (["--chaos", "--mixed"], [*PROCESSES, "RabbitMQ"]), (["--mixed"], [])],
)
def test_a_whole_run_misses_nothing_doubles_nothing_and_leaves_nothing_running(options, killed):
    done = demo("--json", "--posts", "30", "--rate", "3", *options, limit=280)

    assert done.returncode == 0, done.stderr
    deaths = [line.split()[-1] for line in done.stderr.splitlines() if "SIGKILL" in line]
    assert deaths == killed
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["posts"] == outcome["analytics_events"] == 30
    assert outcome["rows"] == outcome["expected_rows"] > 0
    assert outcome["pushes"] == outcome["pushes_expected"] > 0
    if "--mixed" in options:
        assert outcome["follows"] == outcome["unfollows"] == outcome["returned"] == 30
        assert outcome["deletions"] > 0
        assert outcome["rows_to_sweep"] > 0
    assert outcome["missing"] == outcome["duplicates"] == 0
    assert still_running(Services(ROOT).state) == []
