"""PostgreSQL refuses to run as root. Then it runs as the user nobody with the fewest rights it
needs."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path

from devtools.servers.process import ServerFailure

# These are tried in turn only if the user nobody cannot reach the clone, for example below a /root
# of mode 700, because we should not open the directories above. dac_read_search is enough, but a
# container may grant only dac_override. PostgreSQL checks its executable with access(2), which
# ignores the capabilities of users other than root unless no_setuid_fixup is set.
CAPABILITIES = ("", "dac_read_search", "dac_override")


def unprivileged(binary: Path, home: Path) -> list[str]:
    """The command to put before `binary` so that it runs without root; empty for ordinary users.

    `home` is a directory that it must reach. Raises ServerFailure if it cannot.
    """
    if os.geteuid() != 0:
        return []
    problem = ""
    for capability in CAPABILITIES:
        prefix = _setpriv(capability)
        problem = _try([*prefix, str(binary), "--version"]) or _try([*prefix, "ls", str(home)])
        if not problem:
            return prefix
    raise ServerFailure(
        f"root cannot start PostgreSQL as the user nobody ({problem}): run bin/services as an"
        " ordinary user, or set DATABASE_URL to a server of your own"
    )


def give_to_nobody(*paths: Path) -> None:
    """Give these paths to the user that PostgreSQL runs as; does nothing for ordinary users."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in paths:
            os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _setpriv(capability: str) -> list[str]:
    nobody = pwd.getpwnam("nobody")
    prefix = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    if capability:
        prefix += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
        prefix += ["--securebits=+no_setuid_fixup"]
    return prefix


def _try(command: Sequence[str]) -> str:
    """The error if the command fails, else ""."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""
