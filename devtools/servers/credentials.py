"""The passwords and keys of one clone, generated once, in a file that only its owner can read."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec


def vapid_private_key() -> str:
    """A P-256 private key in the form that web push libraries use: its 32 bytes in unpadded
    base64url."""
    scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(scalar.to_bytes(32, "big")).decode().rstrip("=")


GENERATORS = {
    "postgres": lambda: secrets.token_hex(20),
    "rabbitmq": lambda: secrets.token_hex(20),
    "erlang_cookie": lambda: secrets.token_hex(20).upper(),
    "valkey": lambda: secrets.token_hex(20),
    "django": lambda: secrets.token_urlsafe(50),
    "flower": lambda: secrets.token_urlsafe(18),
    "vapid": vapid_private_key,
}


def load(path: Path, generators: Mapping[str, Callable[[], str]] = GENERATORS) -> dict[str, str]:
    """The secrets by the names of their generators. Missing ones are generated and added to the
    file."""
    known = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: make() for name, make in generators.items() if name not in known}
    if missing:
        known |= missing
        write_private(path, json.dumps(known, indent=1))
    return known


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing; none if it has this text."""
    if path.exists() and path.read_text() == text and path.stat().st_mode & 0o777 == 0o600:
        return
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
