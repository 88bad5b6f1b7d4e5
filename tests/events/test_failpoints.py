import os
import signal
import subprocess
import sys

import pytest

CODE = """
from events.failpoints import failpoint
first, second = failpoint("a.first"), failpoint("a.second")
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
        ("b.other=kill", 3),
        ("a.second=kill", 0),
        ("a.first=kill:3", 2),
        ("a.first=sleep:0", 3),
    ],
)
def test_a_process_dies_at_the_named_failpoint_and_at_no_other(failpoints, printed):
    done = run(failpoints)
    assert len(done.stdout.splitlines()) == printed
    assert done.returncode == (0 if printed == 3 else -signal.SIGKILL)
