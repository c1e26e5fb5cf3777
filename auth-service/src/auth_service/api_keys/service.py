"""API keys: create, revoke and exchange."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.api_keys.repository import ApiKeyRepository
from auth_service.errors import AccountGone, ApiKeyInvalid, ApiKeyNotFound, TooManyApiKeys
from auth_service.groups.service import require_role
from auth_service.models import StoredApiKey
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.secrets import RootSecret
from auth_service.tokens.signing import AccessToken, AccessTokens

PREFIX = "fbx_"
SHOWN_CHARACTERS = 12
MAX_API_KEYS = 100

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class NewApiKey:
    user_id: int
    name: str
    scopes: Sequence[str]
    token_cap: int | None
    expires_at: datetime | None
    group_id: int | None = None


class ApiKeyService:
    def __init__(self, secret: RootSecret, tokens: AccessTokens, revocations: Revocations) -> None:
        self._secret, self._tokens, self._revocations = secret, tokens, revocations

    async def create(self, session: AsyncSession, new: NewApiKey) -> tuple[StoredApiKey, str]:
        """Create a key; returns its row and the seed from which `reveal` derives the secret.

        Raises GroupNotFound if the user is no member of the key's group.
        """
        repository = ApiKeyRepository(session)
        # The user's row is locked, so that concurrent requests cannot exceed the limit.
        if not await repository.lock_owner(new.user_id):
            raise AccountGone
        if new.group_id is not None:
            await require_role(session, new.group_id, new.user_id)
        if await repository.count(new.user_id) >= MAX_API_KEYS:
            raise TooManyApiKeys(MAX_API_KEYS)
        seed = secrets.token_hex(32)
        secret = self.reveal(seed)
        key = StoredApiKey(
            user_id=new.user_id,
            name=new.name,
            digest=digest_of(secret),
            prefix=secret[:SHOWN_CHARACTERS],
            scopes=list(new.scopes),
            token_cap=new.token_cap,
            expires_at=new.expires_at,
            group_id=new.group_id,
        )
        await repository.add(key)
        log.info("api_key_created", user=new.user_id, api_key=key.id)
        return key, seed

    def reveal(self, seed: str) -> str:
        """Derive the secret from its seed, for replays; the database alone does not suffice."""
        return format_secret(self._secret.digest("api key", seed.encode()))

    async def revoke(self, session: AsyncSession, user_id: int, key_id: int) -> None:
        repository = ApiKeyRepository(session)
        key = await repository.find_own(user_id, key_id)
        if key is None:
            raise ApiKeyNotFound
        await repository.delete(key)
        await self._revocations.revoke_api_key(session, key_id)
        log.info("api_key_revoked", user=user_id, api_key=key_id)

    async def exchange(self, session: AsyncSession, secret: str) -> AccessToken:
        """A short-lived access token with the key's scopes and cap."""
        repository = ApiKeyRepository(session)
        match = await repository.find_usable(digest_of(secret))
        if match is None:
            raise ApiKeyInvalid
        key, user = match
        await repository.record_use(key.id)
        return await self._tokens.for_api_key(session, user, key)


def answers_scope(user_id: int) -> str:
    """The scope of the idempotency keys with which a user creates API keys."""
    return f"api-keys of {user_id}"


def format_secret(random: bytes) -> str:
    """The key as shown to its owner, once."""
    return PREFIX + base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def digest_of(secret: str) -> bytes:
    """A plain SHA-256 is enough: unlike a password, a key has 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()
