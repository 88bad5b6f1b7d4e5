"""The versions of RabbitMQ that Connectify is tested with, and which of them a clone runs.

A version is chosen by `bin/services up --rabbitmq NAME` or the variable CONNECTIFY_RABBITMQ; by
default it is the machine's own, else the newest that can be had. Debian's releases bring one each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.servers import apt, debian_rabbitmq, rabbitmq_installation
from devtools.servers.debian_rabbitmq import BrokerMissing
from devtools.servers.process import ServerFailure
from devtools.servers.rabbitmq_installation import Installation

VARIABLE = "CONNECTIFY_RABBITMQ"
MACHINE = "machine"
# The release of Debian that has it, by version, the newest first.
SUITES = {"4.3": "forky", "4.0": "trixie", "3.10": "bookworm"}
NAMES = (MACHINE, *reversed(SUITES))


@dataclass(frozen=True)
class Releases:
    """unpacked: the directory below which downloaded versions lie, each by its series."""

    unpacked: Path
    machine: Path = Path("/")

    def installation(self, series: str) -> Installation | None:
        """The programs of a series such as "4.3": the machine's own, else unpacked ones."""
        own = rabbitmq_installation.on_machine(self.machine)
        if own and own.series == series:
            return own
        return rabbitmq_installation.unpacked(self.unpacked / series)

    def expected(self, name: str = "") -> str:
        """The series that install(name) will choose, if nothing hinders it. name: one of NAMES, a
        series, or empty for the default."""
        own = rabbitmq_installation.on_machine(self.machine)
        if own and name in ("", MACHINE):
            return own.series
        return name or self._unpacked_series() or next(iter(SUITES))

    def install(self, name: str, environ: Mapping[str, str], say: Callable[[str], None]) -> str:
        """See that there is such a RabbitMQ to start, and return its series. Raises BrokerMissing
        where that cannot be."""
        own = rabbitmq_installation.on_machine(self.machine)
        if name in ("", MACHINE) and own:
            return own.series
        if name == MACHINE:
            raise BrokerMissing(f"this machine has no RabbitMQ: {debian_rabbitmq.ADVICE}")
        return self._installed(name, environ, say) if name else self._newest(environ, say)

    def _installed(
        self, series: str, environ: Mapping[str, str], say: Callable[[str], None]
    ) -> str:
        if self.installation(series) is None:
            if series not in SUITES:
                raise ServerFailure(f"{VARIABLE} is {series}: set it to one of {', '.join(NAMES)}")
            debian_rabbitmq.download(
                self.unpacked, environ, say, suite=SUITES[series], series=series
            )
        return series

    def _newest(self, environ: Mapping[str, str], say: Callable[[str], None]) -> str:
        # Without the keyring nothing proves a package to be Debian's.
        for series in SUITES if apt.present(environ) and apt.keyring() else ():
            try:
                return self._installed(series, environ, say)
            except BrokerMissing as missing:
                say(str(missing))
        series = self._unpacked_series()
        return series or debian_rabbitmq.download(self.unpacked, environ, say).series

    def _unpacked_series(self) -> str | None:
        """The newest one."""
        found = [path for path in self.unpacked.glob("[0-9]*.[0-9]*") if _holds_server(path)]
        return max(found, key=_order).name if found else None


def _holds_server(directory: Path) -> bool:
    return rabbitmq_installation.unpacked(directory) is not None


def _order(directory: Path) -> list[int]:
    return [int(number) for number in directory.name.split(".")]
