"""Debian packages without root: apt-get with lists and archives of its own, installing nothing.

The packages may be of another release of Debian than the machine's (see Suite), whose own packages
are left out of account: what is downloaded depends on nothing that is installed here.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.servers.dependencies import closure

MIRROR = "http://deb.debian.org/debian"
# What the archive is signed with; the second is its name from Debian 13 on.
KEYRINGS = [
    Path(f"/usr/share/keyrings/debian-archive-keyring.{suffix}") for suffix in ("gpg", "pgp")
]


class AptFailure(Exception):
    """Why apt-get or dpkg-deb did not deliver, in one line."""


@dataclass(frozen=True)
class Suite:
    """A release of Debian, such as trixie or sid."""

    name: str

    @property
    def sources(self) -> str:
        """Its line for apt. Raises AptFailure where nothing can prove packages to be Debian's."""
        if found := keyring():
            return f"deb [signed-by={found}] {MIRROR} {self.name} main\n"
        raise AptFailure(f"{KEYRINGS[0]} is missing: apt-get install debian-archive-keyring")


class Apt:
    """apt-get with the sources of a suite, or without one with those that the machine trusts; all
    that it writes goes to one directory."""

    def __init__(
        self, directory: Path, environ: Mapping[str, str], suite: Suite | None = None
    ) -> None:
        self.directory = directory
        # Its answers are parsed, so they must be English.
        self.environ = {**environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        self.suite = suite
        self._complaint = ""  # what the update said; without a network, a mere warning

    def update(self) -> None:
        """Read the package lists. One failing repository of several does no harm."""
        for name in ("lists/partial", "cache/archives/partial"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "status").touch()
        if self.suite:
            (self.directory / "sources.list").write_text(self.suite.sources)
        done = self._call(["apt-get", "update", "-qq", *self._options()])
        self._complaint = _last_line(done.stderr)

    def needed(self, package: str, belongs: re.Pattern) -> list[str]:
        """The package and those that it needs, as far as their names match `belongs`."""
        kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
        left_out = [f"--no-{kind}" for kind in kinds]
        printed = self._run(
            ["apt-cache", "depends", "--recurse", *left_out, package, *self._options()]
        )
        return closure(printed, package, belongs)

    def size(self, packages: list[str]) -> str:
        """How much there is to download, as in "35.0 MB"."""
        plan = self._run(["apt-get", "download", "--print-uris", *packages, *self._options()])
        sizes = re.findall(r"^'\S+' \S+ (\d+)", plan, re.MULTILINE)
        return f"{sum(map(int, sizes)) / 1e6:.1f} MB"

    def download(self, packages: list[str]) -> list[Path]:
        """The files of these packages."""
        self._run(["apt-get", "download", *packages, *self._options()])
        return sorted(self.directory.glob("*.deb"))

    def unpack(self, archive: Path, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._run(["dpkg-deb", "-x", str(archive), str(root)])

    def _options(self) -> list[str]:
        options = {
            "Dir::State::lists": self.directory / "lists",
            "Dir::State::status": self.directory / "status",
            "Dir::Cache": self.directory / "cache",
            "Debug::NoLocking": "1",
        }
        if self.suite:
            # The machine's wishes are about its own release.
            options |= {
                "Dir::Etc::SourceList": self.directory / "sources.list",
                "Dir::Etc::SourceParts": "/dev/null",
                "Dir::Etc::Preferences": "/dev/null",
                "Dir::Etc::PreferencesParts": "/dev/null",
                "APT::Default-Release": "",
            }
        if os.geteuid() == 0:
            # Its user _apt cannot write below a home directory of root.
            options["APT::Sandbox::User"] = "root"
        return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]

    def _run(self, command: list[str]) -> str:
        done = self._call(command)
        if done.returncode:
            problem = _last_line(done.stderr) or f"exit code {done.returncode}"
            raise AptFailure("; ".join(filter(None, (problem, self._complaint))))
        return done.stdout

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def keyring() -> Path | None:
    return next((path for path in KEYRINGS if path.exists()), None)


def present(environ: Mapping[str, str]) -> bool:
    """Whether this machine has apt-get and what belongs to it."""
    programs = ("apt-get", "apt-cache", "dpkg-deb")
    return all(shutil.which(program, path=environ.get("PATH")) for program in programs)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
