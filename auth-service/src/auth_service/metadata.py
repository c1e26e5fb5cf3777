"""All tables of this service."""

from auth_service.api_keys.models import StoredApiKey
from auth_service.base import Base
from auth_service.idempotency.models import FirstAnswer
from auth_service.models import User
from auth_service.passwords.models import LoginAttempts
from auth_service.revocations.models import RevocationRow
from auth_service.secrets.models import SealedSecret
from auth_service.sessions.models import LoginSession, RefreshToken
from auth_service.signing_keys.models import SigningKey
from kit.outbox import outbox_table

__all__ = [
    "FirstAnswer",
    "LoginAttempts",
    "LoginSession",
    "RefreshToken",
    "RevocationRow",
    "SealedSecret",
    "SigningKey",
    "StoredApiKey",
    "User",
    "metadata",
    "outbox",
]

metadata = Base.metadata
outbox = outbox_table(metadata)
