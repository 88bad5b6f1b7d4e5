"""The push service of a measurement, a process of its own: it notes what arrives, and when.

Nothing is decrypted or even written before the clock has stopped: it shares the machine with those
whom it measures.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from devtools.bench.house import HOME, ROOT, House
from devtools.lab import interruption
from devtools.processes import Command, Processes, Tier
from devtools.processes.readiness import written
from devtools.push_service import Receipt, read_receipts

NAME = "push-service"
LIMIT = 10  # seconds for one answer


class Receiver:
    def __init__(self, house: House) -> None:
        self._port_file = HOME / f"{NAME}.port"
        self._record = HOME / f"{NAME}.receipts"
        for file in (self._port_file, self._record):
            file.unlink(missing_ok=True)
        files = ("--port-file", str(self._port_file), "--record", str(self._record))
        command = Command(
            ("-m", "devtools.push_service", *files), Tier.OUTSIDE, written(self._port_file)
        )
        self._processes = Processes({NAME: command}, root=ROOT, home=HOME, environ=house.environ)

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            with interruption.put_off():
                self._processes.start()
            self._processes.wait_ready()
            yield
        finally:
            with interruption.put_off():
                self._processes.stop()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port_file.read_text().strip()}"

    def accepted(self) -> int:
        """How many pushes it has taken so far."""
        with urlopen(f"{self.origin}/receipts/count", timeout=LIMIT) as response:
            return json.load(response)["accepted"]

    def receipts(self) -> list[Receipt]:
        """All of them, once it has stopped."""
        return read_receipts(Path(self._record).read_bytes().splitlines())
