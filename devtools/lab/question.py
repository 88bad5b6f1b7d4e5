"""A question to one of our modules in a process of its own: whoever measures never loads Django."""

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
    """What `python -m module arguments` of the clone at `root` prints as JSON when it is `given`
    this as JSON. Raises ServerFailure with what it says when it fails."""
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
