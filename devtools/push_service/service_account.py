"""A Google service account of our own, in the form of the key file from Firebase's console."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass(frozen=True)
class ServiceAccount:
    """The sender gets `key_file()`, the push service `public_key`."""

    project: str
    private_key: rsa.RSAPrivateKey

    @classmethod
    def generate(cls, project: str = "connectify-demo") -> "ServiceAccount":
        return cls(project, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @property
    def public_key(self) -> bytes:
        """The public key in PEM."""
        public_key = self.private_key.public_key()
        return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def key_file(self, origin: str) -> dict[str, str]:
        """The JSON key file, with the token endpoint of the push service at `origin`."""
        pem = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": f"sender@{self.project}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{origin}/token",
        }
