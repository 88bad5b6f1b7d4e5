"""Downloads Debian packages without root: apt-get with its own lists and archives, installing
nothing."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


class AptFailure(Exception):
    """apt-get or dpkg-deb failed; the message is one line."""


class Apt:
    """The machine's apt-get with its trusted sources; it writes only below `directory`."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self.directory = directory
        # Its output is parsed, so it must be in English.
        self.environ = {**environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        self.archives = directory / "cache" / "archives"
        self._complaint = ""  # errors of the update; without a network they are only warnings

    @property
    def present(self) -> bool:
        path = self.environ.get("PATH")
        return all(shutil.which(program, path=path) for program in ("apt-get", "dpkg-deb"))

    def update(self) -> None:
        """Read the package lists. If one of several repositories fails, the others are still
        used."""
        for directory in (self.directory / "lists/partial", self.archives / "partial"):
            directory.mkdir(parents=True, exist_ok=True)
        done = self._call(["apt-get", "update", "-qq", *self._options()])
        self._complaint = _last_line(done.stderr)

    def size(self, package: str) -> str:
        """How much must be downloaded for a package and its dependencies, e.g. "35.0 MB"."""
        plan = self._run([*self._install(package), "--print-uris"])
        found = re.search(r"Need to get (?:\S+/)?([\d.,]+ .?B)", plan)
        return found[1] if found else "size unknown"

    def download(self, package: str) -> list[Path]:
        """Download the package and those of its dependencies that this machine lacks."""
        self._run([*self._install(package), "--download-only"])
        return sorted(self.archives.glob("*.deb"))

    def unpack(self, archive: Path, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._run(["dpkg-deb", "-x", str(archive), str(root)])

    def _install(self, package: str) -> list[str]:
        return ["apt-get", "install", "-y", "--no-install-recommends", package, *self._options()]

    def _options(self) -> list[str]:
        options = {
            "Dir::State::lists": self.directory / "lists",
            "Dir::Cache": self.directory / "cache",
            "Debug::NoLocking": "1",
        }
        if os.geteuid() == 0:
            # apt's own user _apt cannot write below root's home directory.
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
            env=self.environ,
            stdin=subprocess.DEVNULL,
            check=False,
        )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
