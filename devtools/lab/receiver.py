"""The push service of a run as a separate process, which notes what arrives and when.

It decrypts and writes nothing until it is queried, because it shares the machine with the processes
that it measures.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devtools.lab import interruption
from devtools.lab.environment import Environment
from devtools.processes import Command, Tier
from devtools.processes.readiness import written
from devtools.push_service import Receipt, post_topic, read_receipts
from devtools.push_service.conditions import Conditions
from devtools.push_service.jose import decode_base64url, encode_base64url

NAME = "push-service"
TIMEOUT_SECONDS = 10


class Receiver:
    """Queries raise OSError if the service does not answer."""

    def __init__(self, home: Path, vapid_private_key: str) -> None:
        """Accepts pushes that are signed with this key. `home` is the run's directory."""
        self._port_file = home / f"{NAME}.port"
        self._port_file.unlink(missing_ok=True)
        arguments = ("-m", "devtools.push_service", "--port-file", str(self._port_file))
        key = ("--application-server-key", public_key(vapid_private_key))
        self.command = Command((*arguments, *key), Tier.OUTSIDE, written(self._port_file))

    @contextmanager
    def running(self, environment: Environment) -> Iterator[None]:
        processes = environment.supervise({NAME: self.command})
        try:
            with interruption.put_off():
                processes.start()
            processes.wait_ready()
            yield
        finally:
            with interruption.put_off():
                processes.stop()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port_file.read_text().strip()}"

    def accepted(self) -> int:
        """How many pushes the service has accepted so far."""
        return self._get("/receipts/count").json()["accepted"]

    def devices(self, post_id: int) -> int:
        """How many devices have accepted the post's push."""
        return self._get(f"/topics/{post_topic(post_id)}").json()["devices"]

    def receipts(self) -> list[Receipt]:
        return read_receipts(self._get("/receipts").content.splitlines())

    def set_conditions(self, conditions: Conditions) -> None:
        given = {name: value for name, value in asdict(conditions).items() if name != "draw"}
        answer = requests.put(f"{self.origin}/conditions", json=given, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()

    def _get(self, path: str) -> requests.Response:
        answer = requests.get(f"{self.origin}{path}", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer


def public_key(private_key: str) -> str:
    """The public half of a VAPID key, with which the push service checks signatures."""
    scalar = int.from_bytes(decode_base64url(private_key))
    key = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    return encode_base64url(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
