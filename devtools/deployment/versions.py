"""The versions in docker/versions.toml: pinned, tested, and the newest that were known."""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from devtools.servers import postgres, valkey

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker" / "versions.toml"
NUMBER = re.compile(r"\d+(?:\.\d+)+")

Version = tuple[int, ...]


def parse(text: str) -> Version:
    """The first version in a text: (18, 4) of "postgres (PostgreSQL) 18.4"."""
    found = NUMBER.search(text)
    if found is None:
        raise ValueError(f"there is no version in {text!r}")
    return tuple(map(int, found[0].split(".")))


@dataclass(frozen=True)
class Pin:
    """An image and its version; `tested` and `newest` are empty where they are not known."""

    image: str
    pinned: str
    tested: str = ""
    newest: str = ""
    prefix: str = ""
    suffix: str = ""
    seen: str = ""
    unchecked: str = ""

    @property
    def reference(self) -> str:
        """As compose names it."""
        return f"{self.image}:{self.prefix}{self.pinned}{self.suffix}"


def read(path: Path = FILE) -> tuple[date, dict[str, Pin]]:
    """The day on which the newest versions were looked up, and the pins by name."""
    tables = tomllib.loads(path.read_text())
    checked = tables.pop("checked")
    del tables["unchecked"]
    return checked, {name: Pin(**table) for name, table in tables.items()}


def installed() -> list[tuple[str, str]]:
    """The servers that the tests run, by the names of their pins, with their versions."""
    programs = {"postgres": postgres.binaries() / "postgres", "valkey": valkey.binary()}
    return [(name, ".".join(map(str, parse(_said(path))))) for name, path in programs.items()]


def _said(program: Path) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def behind(pin: Pin) -> str:
    """What to do about a pin; empty if there is nothing to do."""
    if pin.newest and parse(pin.newest) > parse(pin.pinned):
        return f"{pin.newest} is newer"
    if pin.tested and parse(pin.tested) > parse(pin.pinned):
        return f"the tests run {pin.tested}"
    return ""
