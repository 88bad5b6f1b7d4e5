import os
import signal
import subprocess
import sys

import pytest

CODE = """
import django
from events.failpoints import failpoint
first, second = failpoint("a", "first"), failpoint("a", "second")
django.setup()
for n in range(3):
    first()
    second()
    print(n, flush=True)
"""


def run(failpoints: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", CODE],
        env=os.environ | {"FAILPOINTS": failpoints},
        capture_output=True,
        text=True,
        timeout=20,
    )


@pytest.mark.parametrize(
    ("failpoints", "printed"),
    [
        ("", 3),
        ("timelines.fanout.in_slice=kill", 3),
        ("a.second=kill", 0),
        ("a.first=kill:3", 2),
        ("a.first=sleep:0", 3),
    ],
)
def test_a_process_dies_at_the_named_failpoint_and_at_no_other(failpoints, printed):
    done = run(failpoints)
    assert len(done.stdout.splitlines()) == printed
    assert done.returncode == (0 if printed == 3 else -signal.SIGKILL)


@pytest.mark.parametrize(
    ("failpoints", "complaint"),
    [
        ("timelines.fanout.in_slices=kill", "there is no failpoint timelines.fanout.in_slices"),
        ("timelines.in_slice=kill", "there is no failpoint timelines.in_slice"),
        ("no.such.module.point=kill", "there is no failpoint no.such.module.point"),
        ("in_slice=kill", "there is no failpoint in_slice"),
        ("a.first=kill,b.other=kill", "there is no failpoint b.other"),
        ("a.first=explode", "not 'explode'"),
        ("a.first=kill:often", "not 'kill:often'"),
        ("a.first=sleep", "not 'sleep'"),
        ("a.first", "not ''"),
    ],
)
def test_a_point_or_an_action_that_does_not_exist_ends_the_process_at_its_start(
    failpoints, complaint
):
    done = run(failpoints)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stdout == ""
