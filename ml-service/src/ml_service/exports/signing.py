"""Signature of a bundle's manifest, with a key that the installation derives from its secret."""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LABEL = b"farebox export signatures"


def derive_signing_key(service_key: bytes) -> bytes:
    """The private key, the same for all replicas of an installation."""
    return hmac.digest(service_key, LABEL, hashlib.sha256)


def public_key_of(signing_key: bytes) -> str:
    """The public key in base64, as `score.py --key` takes it."""
    return _to_text(Ed25519PrivateKey.from_private_bytes(signing_key).public_key().public_bytes_raw())


def sign(signing_key: bytes, content: bytes) -> str:
    return _to_text(Ed25519PrivateKey.from_private_bytes(signing_key).sign(content))


def _to_text(content: bytes) -> str:
    return base64.b64encode(content).decode()
