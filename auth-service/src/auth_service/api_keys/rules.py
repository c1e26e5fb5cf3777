"""What an API key looks like. Pure functions."""

import base64
import hashlib

PREFIX = "fbx_"
SHOWN_CHARACTERS = 12


def make_secret(random: bytes) -> str:
    """The key as its owner sees it, once."""
    return PREFIX + base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def digest_of(secret: str) -> bytes:
    """A plain digest is enough: unlike a password, a key has 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def shown_prefix(secret: str) -> str:
    return secret[:SHOWN_CHARACTERS]
