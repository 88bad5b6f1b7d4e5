"""Runs one of our modules in a separate process, because the measuring process never loads
Django."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devtools.servers.process import ServerFailure


def ask(
    module: str, *arguments: str, given: Any = None, root: Path, environ: Mapping[str, str]
) -> Any:
    """Run `python -m module arguments` in the clone at `root` with `given` as JSON on standard
    input, and return what it prints, decoded from JSON. Raises ServerFailure with its error output
    if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=root,
        env=dict(environ),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailure(f"{done.stderr.strip()}\n{module} failed: see above")
    return json.loads(done.stdout)
