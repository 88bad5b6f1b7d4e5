"""Generates the key pair with which pushes are signed."""

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management.base import BaseCommand

from notifications.delivery.webpush import Signer


class Command(BaseCommand):
    help = "Prints a new VAPID key pair as environment variables; keep the private one secret."

    def handle(self, **options: Any) -> None:
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        private = base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        self.stdout.write(f"VAPID_PRIVATE_KEY={private}")
        # Browsers get the public key from the API. It is printed only for comparison.
        self.stdout.write(f"# public key: {Signer(private, '').public_key}")
