"""The ports of one clone: chosen once, remembered, and changed only if another program holds
them."""

import json
import random
import socket
import threading
import time
from pathlib import Path

from devtools.servers.process import ServerFailure

# Below the kernel's ephemeral range, where an outgoing connection could take a remembered port.
CANDIDATES = range(20_000, 32_000)
RELEASE_SECONDS = 3.0  # a killed server's sockets may take so long to close


def is_free(port: int) -> bool:
    """True if a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As the servers do: connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Ports:
    """Port numbers by name, kept in a JSON file."""

    def __init__(self, path: Path, random: random.Random | None = None) -> None:
        self.path = path
        self._random = random or _random
        self._lock = threading.Lock()

    def known(self) -> dict[str, int]:
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}

    def __getitem__(self, name: str) -> int:
        try:
            return self.known()[name]
        except KeyError:
            raise ServerFailure("nothing has been started here yet: run bin/services up") from None

    def claim(self, *names: str) -> None:
        """Make sure that each name has a port that is free now. Servers started together do not
        clash."""
        with self._lock:
            known = self.known()
            for name in names:
                if name not in known or not _becomes_free(known[name]):
                    known[name] = self._choose(taken=set(known.values()))
            partial = self.path.with_name(f"{self.path.name}.partial")
            partial.write_text(json.dumps(known, indent=1) + "\n")
            partial.replace(self.path)

    def _choose(self, taken: set[int]) -> int:
        for port in self._random.sample(CANDIDATES, len(CANDIDATES)):
            if port not in taken and is_free(port):
                return port
        raise ServerFailure(
            f"no free port between {CANDIDATES.start} and {CANDIDATES.stop}: stop other servers"
        )


def _becomes_free(port: int) -> bool:
    deadline = time.monotonic() + RELEASE_SECONDS
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


_random = random.SystemRandom()
