"""Connectify's own commands, as an operator runs them, each in a process of its own."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devtools.faults.scene import Scene

LIMIT_SECONDS = 60.0


def started(scene: "Scene", *arguments: str, **environ: str) -> subprocess.Popen:
    """A run whose output can be read once it has ended."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=scene.house.root,
        env=scene.house.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def manage(scene: "Scene", *arguments: str, **environ: str) -> str:
    """What it says. Raises OSError if it fails, and TimeoutExpired after LIMIT_SECONDS."""
    process = started(scene, *arguments, **environ)
    said, _ = process.communicate(timeout=LIMIT_SECONDS)
    if process.returncode:
        raise OSError(f"manage.py {' '.join(arguments)} failed: {said[-500:]}")
    return said


def doctor(scene: "Scene") -> dict[str, str]:
    """What each examination found; an empty text where it found nothing. The harness's settings,
    which are not for deployment, are left out."""
    found: dict[str, str] = {}
    name = ""
    for line in started(scene, "doctor").communicate(timeout=LIMIT_SECONDS)[0].splitlines():
        word, _, rest = line.partition(" ")
        if word in ("ok", "BAD"):
            name = rest.strip()
            found[name] = ""
        elif name:
            found[name] += line.strip() + " "
    found.pop("settings", None)
    return found


def ailments(scene: "Scene") -> str:
    """All that doctor finds, with what mends it."""
    return " ".join(doctor(scene).values())


def lag(scene: "Scene") -> dict:
    return json.loads(manage(scene, "lag", "--json"))
