"""The passwords and keys of one clone, generated once, in a file that only its owner can read."""

import base64
import json
import os
import secrets
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


def load(path: Path) -> dict[str, str]:
    """The secrets by name (the keys of GENERATORS). Missing ones are generated and added to the
    file."""
    known = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: make() for name, make in GENERATORS.items() if name not in known}
    if missing:
        known |= missing
        partial = path.with_name(f"{path.name}.partial")
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file, indent=1)
        partial.replace(path)
    return known
