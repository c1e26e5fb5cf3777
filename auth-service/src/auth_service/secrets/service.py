"""The secret under all keyed digests. It stays when JWT_SECRET changes, or names would get new digests."""

import hashlib
import hmac
import secrets

import structlog

from auth_service.secrets.repository import SecretRepository
from auth_service.tokens.secrets import Seal

ROOT = "root"

log = structlog.stdlib.get_logger()


class RootSecret:
    def __init__(self, value: bytes) -> None:
        self._value = value

    def digest(self, purpose: str, data: bytes) -> bytes:
        """A keyed SHA-256 that differs for each purpose."""
        key = hmac.digest(self._value, purpose.encode(), hashlib.sha256)
        return hmac.digest(key, data, hashlib.sha256)


async def load_root_secret(rows: SecretRepository, seal: Seal) -> RootSecret:
    """The stored secret, sealed anew under the present JWT_SECRET, or a new one."""
    await rows.lock()
    sealed = await rows.find(ROOT)
    value = seal.open(sealed) if sealed is not None else None
    if sealed is not None and value is None:
        # Without JWT_SECRET_PREVIOUS nobody can open it; names are then new to the other services.
        log.warning("root_secret_replaced")
    value = value or secrets.token_bytes(32)
    await rows.put(ROOT, seal.seal(value))
    return RootSecret(value)
