"""manage.py as an operator runs it, in a process of its own."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.scene import Scene

CAPTURED = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


def started(scene: "Scene", *arguments: str) -> subprocess.Popen:
    """A run whose output can be read once it has ended."""
    words = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(words, cwd=scene.house.root, env=scene.house.environ, **CAPTURED)


def manage(scene: "Scene", *arguments: str) -> str:
    """What it says. Raises OSError if it fails."""
    process = started(scene, *arguments)
    said, _ = process.communicate()
    if process.returncode:
        raise OSError(f"manage.py {' '.join(arguments)} failed: {said[-500:]}")
    return said


def doctor(scene: "Scene") -> str:
    """Every ailment that doctor finds, with what mends it; the harness's settings, which are not
    for deployment, are left out."""
    said = started(scene, "doctor").communicate()[0]
    return " ".join(said.partition("BAD  settings")[0].split())


def lag(scene: "Scene") -> dict:
    return json.loads(manage(scene, "lag", "--json"))
