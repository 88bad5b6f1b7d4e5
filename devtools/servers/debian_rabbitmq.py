"""RabbitMQ and Erlang from Debian's packages, unpacked into a directory of their own."""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from devtools.servers import apt, rabbitmq_installation, unpacked_erlang
from devtools.servers.apt import Apt, AptFailure, Suite
from devtools.servers.process import ServerFailure
from devtools.servers.rabbitmq_installation import Installation

# Only what the broker loads; of what else these packages need, the machine has enough.
BELONGS = re.compile(r"rabbitmq-server|erlang-.+|lib.+|zlib1g")
ADVICE = "install it (Debian: apt-get install rabbitmq-server) or set BROKER_URL to a broker"


class BrokerMissing(ServerFailure):
    """There is no RabbitMQ here and no way to get it without the operator."""

    exit_code = 3


def download(
    directory: Path,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    *,
    suite: str = "",
    series: str = "",
) -> Installation:
    """Fetch RabbitMQ of a suite of Debian, or of the machine's own archive, with the Erlang and the
    libraries that it needs, and unpack it into directory/SERIES.

    Raises BrokerMissing where there is no apt-get, when it does not deliver, or when the version is
    not of the series that is asked for.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # The apt-get of a killed run may still be writing, so that each run has its own place.
    for abandoned in directory.glob("download-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="download-", dir=directory))
    try:
        if not apt.present(environ):
            raise AptFailure("there is no apt-get")
        found = _unpack(Apt(work, environ, Suite(suite) if suite else None), work / "root", say)
        if series not in ("", found.series):
            raise AptFailure(f"{suite} has {found.series}")
        unpacked_erlang.make_movable(work / "root")
        target = directory / found.series
        shutil.rmtree(target, ignore_errors=True)
        (work / "root").rename(target)
        return rabbitmq_installation.unpacked(target)
    except (AptFailure, OSError) as error:
        name = " ".join(filter(None, ("RabbitMQ", series)))
        raise BrokerMissing(f"{name} cannot be downloaded ({error}): {ADVICE}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _unpack(archive: Apt, root: Path, say: Callable[[str], None]) -> Installation:
    archive.update()
    packages = archive.needed("rabbitmq-server", BELONGS)
    say(f"downloading RabbitMQ and Erlang, {archive.size(packages)} …")
    for file in archive.download(packages):
        archive.unpack(file, root)
    found = rabbitmq_installation.unpacked(root)
    if found is None:
        raise AptFailure("Debian's rabbitmq-server has no server in it")
    return found
