"""Connectify's own commands, as an operator runs them, each in a process of its own."""

import json
import subprocess
import sys

from devtools.faults.run import Run
from devtools.lab.environment import ROOT

LIMIT_SECONDS = 60.0


def started(run: Run, *arguments: str, **environ: str) -> subprocess.Popen:
    """A run whose output can be read once it has ended."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=run.environment.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def manage(run: Run, *arguments: str, **environ: str) -> str:
    """What it says. Raises OSError if it fails, and TimeoutExpired after LIMIT_SECONDS."""
    process = started(run, *arguments, **environ)
    said, _ = process.communicate(timeout=LIMIT_SECONDS)
    if process.returncode:
        raise OSError(f"manage.py {' '.join(arguments)} failed: {said[-500:]}")
    return said


def doctor(run: Run) -> dict[str, str]:
    """What each examination found; an empty text where it found nothing. The harness's settings,
    which are not for deployment, are left out."""
    found: dict[str, str] = {}
    name = ""
    for line in started(run, "doctor").communicate(timeout=LIMIT_SECONDS)[0].splitlines():
        word, _, rest = line.partition(" ")
        if word in ("ok", "BAD"):
            name = rest.strip()
            found[name] = ""
        elif name:
            found[name] += line.strip() + " "
    found.pop("settings", None)
    return found


def ailments(run: Run) -> str:
    """All that doctor finds, with what mends it."""
    return " ".join(doctor(run).values())


def lag(run: Run) -> dict:
    return json.loads(manage(run, "lag", "--json"))
