"""Where RabbitMQ's programs are: the machine's own, or Debian's packages unpacked here."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.servers.apt import Apt, AptFailure
from devtools.servers.process import ServerFailure

# Never the wrapper in /usr/sbin: it insists on root or on the user rabbitmq.
PLACES = ("usr/lib/rabbitmq/bin/rabbitmq-server", "opt/rabbitmq/sbin/rabbitmq-server")
UNPACKED = "usr/lib/rabbitmq/lib/rabbitmq_server-*"
ADVICE = "install it (Debian: apt-get install rabbitmq-server) or set BROKER_URL to a broker"


class BrokerMissing(ServerFailure):
    """There is no RabbitMQ here and no way to get it without the operator."""

    exit_code = 3


@dataclass(frozen=True)
class Installation:
    """RabbitMQ's own directory (with sbin/ and plugins/), and below which root it was unpacked."""

    home: Path
    root: Path | None = None

    def environment(self, path: str) -> dict[str, str]:
        """PATH and, for unpacked packages, where Erlang and the shared libraries are."""
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
    """The machine's RabbitMQ, else the one in unpacked, else None."""
    for place in PLACES:
        if (machine / place).exists():
            # Resolved: the scripts look for their neighbours without quoting the way there.
            return Installation(home=(machine / place).resolve().parent.parent)
    homes = sorted(unpacked.glob(UNPACKED))
    return Installation(home=homes[-1], root=unpacked) if homes else None


def download(unpacked: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Fetch RabbitMQ and what this machine lacks for it, and unpack all of it into unpacked.

    Raises BrokerMissing where there is no apt-get, or when it does not deliver.
    """
    # The apt-get of a killed run may still be writing, so that each run has its own place.
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
    """Let Debian's scripts, which name /usr/lib/erlang, follow ERL_ROOTDIR instead."""
    for script in root.glob("usr/lib/erlang/**/bin/*"):
        if script.is_file() and (text := script.read_bytes()).startswith(b"#!"):
            old, new = b"ROOTDIR=/usr/lib/erlang", b'ROOTDIR="${ERL_ROOTDIR:-/usr/lib/erlang}"'
            script.write_bytes(text.replace(old, new))
