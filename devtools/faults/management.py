"""Runs Connectify's own commands as an operator does, each as a separate process."""

import json
import subprocess
import sys

from devtools.faults.run import Run
from devtools.lab.environment import ROOT

LIMIT_SECONDS = 60.0


def started(run: Run, *arguments: str, **environ: str) -> subprocess.Popen:
    """Start a command; its output can be read once it has ended."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=run.environment.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def manage(run: Run, *arguments: str, **environ: str) -> str:
    """Run a command and return its output. Raises OSError if it fails, and TimeoutExpired after
    LIMIT_SECONDS."""
    process = started(run, *arguments, **environ)
    said, _ = process.communicate(timeout=LIMIT_SECONDS)
    if process.returncode:
        raise OSError(f"manage.py {' '.join(arguments)} failed: {said[-500:]}")
    return said


def doctor(run: Run) -> dict[str, str]:
    """The findings of each of doctor's examinations; an empty text if it found nothing. The
    examination of settings is left out, because the harness's settings are not for deployment."""
    found: dict[str, str] = {}
    name = ""
    for line in started(run, "doctor").communicate(timeout=LIMIT_SECONDS)[0].splitlines():
        word, _, title = line.partition(" ")
        if word in ("ok", "BAD"):
            name = title.strip()
            found[name] = ""
        elif name:
            found[name] += line.strip() + " "
    found.pop("settings", None)
    return found


def ailments(run: Run) -> str:
    """All of doctor's findings, with their advice."""
    return " ".join(doctor(run).values())


def lag(run: Run) -> dict:
    return json.loads(manage(run, "lag", "--json"))
