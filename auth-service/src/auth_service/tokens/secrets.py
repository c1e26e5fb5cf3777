"""Encryption of secrets in the database, and the root secret of all keyed digests."""

import base64
import hashlib
import hmac
import secrets

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.tokens.repository import SecretRepository
from kit.settings import ServiceSettings

ROOT = "root"

log = structlog.stdlib.get_logger()


class Seal:
    """Encrypts with JWT_SECRET; decrypts with JWT_SECRET or JWT_SECRET_PREVIOUS."""

    def __init__(self, settings: ServiceSettings) -> None:
        secrets = [settings.jwt_secret, settings.jwt_secret_previous]
        self._fernet = MultiFernet([Fernet(_key_from(secret)) for secret in secrets if secret is not None])

    def seal(self, value: bytes) -> bytes:
        return self._fernet.encrypt(value)

    def open(self, sealed: bytes) -> bytes | None:
        """The decrypted value, or None if neither secret fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None


def _key_from(secret: SecretStr) -> bytes:
    derived = hmac.digest(secret.get_secret_value().encode(), b"farebox sealing", hashlib.sha256)
    return base64.urlsafe_b64encode(derived)


class RootSecret:
    """The key of all digests; it survives a change of JWT_SECRET, so that digests of names stay equal."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def digest(self, purpose: str, data: bytes) -> bytes:
        """A keyed SHA-256 that differs for each purpose."""
        key = hmac.digest(self._value, purpose.encode(), hashlib.sha256)
        return hmac.digest(key, data, hashlib.sha256)


async def load_root_secret(session: AsyncSession, seal: Seal) -> RootSecret:
    """Load the stored secret, or create one, and encrypt it with the current JWT_SECRET."""
    repository = SecretRepository(session)
    await repository.lock()
    sealed = await repository.find(ROOT)
    value = seal.open(sealed) if sealed is not None else None
    if sealed is not None and value is None:
        # JWT_SECRET changed without JWT_SECRET_PREVIOUS: all names now get new digests.
        log.warning("root_secret_replaced")
    value = value or secrets.token_bytes(32)
    await repository.put(ROOT, seal.seal(value))
    return RootSecret(value)
