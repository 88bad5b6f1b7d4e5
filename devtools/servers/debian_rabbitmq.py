"""Finds RabbitMQ's programs: the machine's own, or Debian's packages unpacked here."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.servers.apt import Apt, AptFailure
from devtools.servers.process import ServerFailure

# Not the wrapper in /usr/sbin, which must be run as root or as the user rabbitmq.
PLACES = ("usr/lib/rabbitmq/bin/rabbitmq-server", "opt/rabbitmq/sbin/rabbitmq-server")
UNPACKED = "usr/lib/rabbitmq/lib/rabbitmq_server-*"
ADVICE = "install it (Debian: apt-get install rabbitmq-server) or set BROKER_URL to a broker"


class BrokerMissing(ServerFailure):
    """RabbitMQ is not here, and cannot be downloaded without the operator."""

    exit_code = 3


@dataclass(frozen=True)
class Installation:
    """RabbitMQ's home directory (with sbin/ and plugins/), and the root below which it was
    unpacked."""

    home: Path
    root: Path | None = None

    def environment(self, path: str) -> dict[str, str]:
        """PATH and, for unpacked packages, the paths of Erlang and its shared libraries."""
        if self.root is None:
            return {"PATH": path}
        programs = [str(self.root / name) for name in ("usr/bin", "usr/sbin", "bin")]
        found = {"PATH": ":".join([*programs, path])}
        libraries = [*self.root.glob("lib/*-linux-*"), *self.root.glob("usr/lib/*-linux-*")]
        if libraries:
            found["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
        if (self.root / "usr/lib/erlang").exists():
            found["ERL_ROOTDIR"] = str(self.root / "usr/lib/erlang")
        return found


def find(unpacked: Path, machine: Path = Path("/")) -> Installation | None:
    """The machine's RabbitMQ, else the one in `unpacked`, else None."""
    for place in PLACES:
        if (machine / place).exists():
            # The path is resolved, because the scripts use it unquoted to find their neighbours.
            return Installation(home=(machine / place).resolve().parent.parent)
    homes = sorted(unpacked.glob(UNPACKED))
    return Installation(home=homes[-1], root=unpacked) if homes else None


def download(unpacked: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Download RabbitMQ and its missing dependencies, and unpack all of it into `unpacked`.

    Raises BrokerMissing if there is no apt-get or if it fails.
    """
    # Each run uses a new directory, because apt-get of a killed run may still be writing to the old
    # one.
    for abandoned in unpacked.parent.glob("download-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="download-", dir=unpacked.parent))
    apt, root = Apt(work, environ), work / "root"
    try:
        if not apt.present:
            raise AptFailure("there is no apt-get")
        apt.update()
        say(f"downloading RabbitMQ and Erlang, {apt.size('rabbitmq-server')} …")
        for archive in apt.download("rabbitmq-server"):
            apt.unpack(archive, root)
        if not list(root.glob(UNPACKED)):
            raise AptFailure("Debian's rabbitmq-server has no server in it")
        relocate_erlang(root)
        shutil.rmtree(unpacked, ignore_errors=True)
        root.rename(unpacked)
    except (AptFailure, OSError) as error:
        raise BrokerMissing(f"RabbitMQ cannot be downloaded ({error}): {ADVICE}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def relocate_erlang(root: Path) -> None:
    """Make Debian's scripts, which name /usr/lib/erlang, use ERL_ROOTDIR instead."""
    for script in root.glob("usr/lib/erlang/**/bin/*"):
        if script.is_file() and (text := script.read_bytes()).startswith(b"#!"):
            old, new = b"ROOTDIR=/usr/lib/erlang", b'ROOTDIR="${ERL_ROOTDIR:-/usr/lib/erlang}"'
            script.write_bytes(text.replace(old, new))
