"""Connectify's own commands, as an operator runs them."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.scene import Scene

LIMIT_SECONDS = 60.0


def manage(scene: "Scene", *arguments: str, check: bool = True, **environ: str) -> str:
    """What `manage.py arguments` prints. Raises subprocess.SubprocessError where it fails and
    `check` is left as it is, or takes more than LIMIT_SECONDS."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=scene.house.root,
        env=scene.house.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_SECONDS,
        check=check,
    )
    return done.stdout


def doctor(scene: "Scene") -> dict[str, str]:
    """What each examination found; an empty text where it found nothing."""
    found: dict[str, str] = {}
    name = ""
    for line in manage(scene, "doctor", check=False).splitlines():
        word, _, rest = line.partition(" ")
        if word in ("ok", "BAD"):
            name = rest.strip()
            found[name] = ""
        else:
            found[name] += line.strip() + " "
    return found


def lag(scene: "Scene") -> dict[str, dict]:
    """Each subscriber's lag by its name."""
    return json.loads(manage(scene, "lag", "--json"))["subscribers"]
