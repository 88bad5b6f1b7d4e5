"""bin/outdated: which pins are behind: images by docker/versions.toml, packages by their index.

Exit status 1 if any is behind. Without an index only the packages are left out.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from devtools.deployment import versions

OLD = timedelta(days=30)
UV = Path(sys.executable).parent / "uv"


def images(today: date) -> Iterator[tuple[str, bool]]:
    """A line for each image, and whether it is behind."""
    checked, pins = versions.read()
    for pin in pins.values():
        what = versions.behind(pin)
        yield f"{'behind' if what else 'ok':<7} {pin.reference:<28} {what}", bool(what)
        if pin.unchecked:
            yield f"        not checked: {pin.unchecked}", False
    if today - checked > OLD:
        yield f"behind  docker/versions.toml is of {checked}: look the newest versions up", True


def packages() -> Iterator[tuple[str, bool]]:
    """A line for each package of requirements*.txt that has a newer version."""
    command = [UV, "pip", "list", "--outdated", "--format", "json", "--system-certs"]
    done = subprocess.run(
        [*command, "--python", sys.executable], capture_output=True, text=True, check=False
    )
    if done.returncode:
        yield f"        packages could not be looked up: {done.stderr.strip()}", False
        return
    direct = named()
    for found in json.loads(done.stdout):
        if found["name"].lower().replace("_", "-") in direct:
            line = f"{found['name']}=={found['version']}"
            yield f"behind  {line:<28} {found['latest_version']} is newer", True


def named() -> set[str]:
    """The packages that requirements.txt and requirements-dev.txt pin."""
    texts = [path.read_text() for path in versions.ROOT.glob("requirements*.txt")]
    lines = [
        line.partition("==")[0] for text in texts for line in text.splitlines() if "==" in line
    ]
    return {line.partition("[")[0].lower().replace("_", "-") for line in lines}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bin/outdated", description=__doc__)
    parser.add_argument("--images", action="store_true", help="do not look packages up")
    options = parser.parse_args(arguments)
    found = list(images(datetime.now(UTC).date()))
    found += [] if options.images else list(packages())
    for line, _ in found:
        print(line.rstrip())
    return int(any(behind for _, behind in found))


if __name__ == "__main__":
    sys.exit(main())
