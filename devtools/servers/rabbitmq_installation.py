"""Where RabbitMQ's programs are: the machine's own, or Debian's packages unpacked here."""

import re
from dataclasses import dataclass
from pathlib import Path

# Never the wrapper in /usr/sbin: it insists on root or on the user rabbitmq.
PLACES = ("usr/lib/rabbitmq/bin/rabbitmq-server", "opt/rabbitmq/sbin/rabbitmq-server")
UNPACKED = "usr/lib/rabbitmq/lib/rabbitmq_server-*"


@dataclass(frozen=True)
class Installation:
    """RabbitMQ's own directory (with sbin/ and plugins/), and below which root it was unpacked."""

    home: Path
    root: Path | None = None

    @property
    def series(self) -> str:
        """Such as "4.3", by the name of a directory; "unknown" where none tells."""
        found = re.findall(r"(\d+\.\d+)\.\d+", str(self.home))
        return found[-1] if found else "unknown"

    def environment(self, path: str) -> dict[str, str]:
        """PATH and, for unpacked packages, where Erlang is."""
        if self.root is None:
            return {"PATH": path}
        programs = [str(self.root / name) for name in ("usr/bin", "usr/sbin")]
        return {
            "PATH": ":".join([*programs, path]),
            "ERL_ROOTDIR": str(self.root / "usr/lib/erlang"),
        }


def on_machine(machine: Path = Path("/")) -> Installation | None:
    for place in PLACES:
        if (machine / place).exists():
            # Resolved: the scripts look for their neighbours without quoting the way there.
            return Installation(home=(machine / place).resolve().parent.parent)
    return None


def unpacked(root: Path) -> Installation | None:
    homes = sorted(root.glob(UNPACKED))
    return Installation(home=homes[-1], root=root) if homes else None
