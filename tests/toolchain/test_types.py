"""What mypy checks: every app, strictly, and nothing is excused without a reason."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from connectify.installed import APPS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
CHECKED = {"celery_app.py", "connectify", *APPS}
# An ignore names its code; its reason follows, or is the comment on the line before.
IGNORE = re.compile(r"# type: ignore(\[[\w, -]+\])?(  # \w.*)?$")


def test_every_app_is_checked_strictly_and_offers_its_types():
    assert CONFIG["strict"]
    assert set(CONFIG["files"]) == CHECKED
    assert [app for app in ("connectify", *APPS) if not (ROOT / app / "py.typed").exists()] == []


def test_only_libraries_are_excused():
    excused = [module for each in CONFIG["overrides"] for module in each["module"]]
    assert [module for module in excused if module.partition(".")[0] in {"*", *CHECKED}] == []


def without_reason(path: Path) -> Iterator[str]:
    before = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if found := IGNORE.search(line):
            code, reason = found.groups()
            if not (code and (reason or before.lstrip().startswith("# "))):
                yield f"{path.relative_to(ROOT)}:{number}"
        before = line


def test_every_ignore_names_its_code_and_its_reason():
    paths = [path for name in CHECKED for path in (ROOT / name).rglob("*.py")]
    assert [place for path in paths for place in without_reason(path)] == []
