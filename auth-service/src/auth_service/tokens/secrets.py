"""Secrets in the database: sealed under JWT_SECRET, and the root of all keyed digests."""

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
    """Encrypts with JWT_SECRET; decrypts values sealed with JWT_SECRET or JWT_SECRET_PREVIOUS."""

    def __init__(self, settings: ServiceSettings) -> None:
        secrets = [settings.jwt_secret, settings.jwt_secret_previous]
        self._fernet = MultiFernet([Fernet(_key_from(secret)) for secret in secrets if secret is not None])

    def seal(self, value: bytes) -> bytes:
        return self._fernet.encrypt(value)

    def open(self, sealed: bytes) -> bytes | None:
        """None when it was sealed with neither secret."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None


def _key_from(secret: SecretStr) -> bytes:
    derived = hmac.digest(secret.get_secret_value().encode(), b"farebox sealing", hashlib.sha256)
    return base64.urlsafe_b64encode(derived)


class RootSecret:
    """The key of all digests. It outlives a change of JWT_SECRET, or names would get new digests."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def digest(self, purpose: str, data: bytes) -> bytes:
        """A keyed SHA-256 that differs for each purpose."""
        key = hmac.digest(self._value, purpose.encode(), hashlib.sha256)
        return hmac.digest(key, data, hashlib.sha256)


async def load_root_secret(session: AsyncSession, seal: Seal) -> RootSecret:
    """The stored secret, sealed again under the present JWT_SECRET, or a new one."""
    rows = SecretRepository(session)
    await rows.lock()
    sealed = await rows.find(ROOT)
    value = seal.open(sealed) if sealed is not None else None
    if sealed is not None and value is None:
        # Without JWT_SECRET_PREVIOUS it cannot be decrypted; names are then new to the other services.
        log.warning("root_secret_replaced")
    value = value or secrets.token_bytes(32)
    await rows.put(ROOT, seal.seal(value))
    return RootSecret(value)
