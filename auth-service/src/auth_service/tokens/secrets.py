"""Encryption of what is kept in the database, under a key derived from JWT_SECRET."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from kit.settings import ServiceSettings


class Seal:
    """Seals with JWT_SECRET; opens what JWT_SECRET or JWT_SECRET_PREVIOUS sealed."""

    def __init__(self, settings: ServiceSettings) -> None:
        secrets = [settings.jwt_secret, settings.jwt_secret_previous]
        self._fernet = MultiFernet([Fernet(_key_from(secret)) for secret in secrets if secret is not None])

    def seal(self, value: bytes) -> bytes:
        return self._fernet.encrypt(value)

    def open(self, sealed: bytes) -> bytes | None:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None


def _key_from(secret: SecretStr) -> bytes:
    derived = hmac.digest(secret.get_secret_value().encode(), b"farebox sealing", hashlib.sha256)
    return base64.urlsafe_b64encode(derived)
