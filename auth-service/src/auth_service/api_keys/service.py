"""Makes, lists, revokes and exchanges API keys."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from auth_service.access_tokens.service import AccessToken, AccessTokens
from auth_service.api_keys.models import StoredApiKey
from auth_service.api_keys.repository import ApiKeyRepository
from auth_service.api_keys.rules import digest_of, make_secret, shown_prefix
from auth_service.errors import ApiKeyInvalid, ApiKeyNotFound
from auth_service.secrets.service import RootSecret
from auth_service.tokens.revocations import Revocations

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class NewApiKey:
    user_id: int
    name: str
    scopes: Sequence[str]
    token_cap: int | None
    expires_at: datetime | None


class ApiKeyService:
    def __init__(self, rows: ApiKeyRepository, revocations: Revocations, secret: RootSecret) -> None:
        self._rows, self._revocations, self._secret = rows, revocations, secret

    async def make(self, order: NewApiKey) -> tuple[StoredApiKey, str]:
        """The key, and the seed from which `reveal` makes its secret."""
        seed = secrets.token_hex(32)
        secret = self.reveal(seed)
        key = StoredApiKey(
            user_id=order.user_id,
            name=order.name,
            digest=digest_of(secret),
            prefix=shown_prefix(secret),
            scopes=list(order.scopes),
            token_cap=order.token_cap,
            expires_at=order.expires_at,
        )
        await self._rows.add(key)
        log.info("api_key_made", user=order.user_id, api_key=key.id)
        return key, seed

    def reveal(self, seed: str) -> str:
        """A retry is shown the secret again, yet neither it nor all it is made of is in the database."""
        return make_secret(self._secret.digest("api key", seed.encode()))

    async def list_of(self, user_id: int, before: int, limit: int) -> Sequence[StoredApiKey]:
        return await self._rows.list_of(user_id, before, limit)

    async def revoke(self, user_id: int, key_id: int) -> None:
        key = await self._rows.find_own(user_id, key_id)
        if key is None:
            raise ApiKeyNotFound
        await self._rows.delete(key)
        await self._revocations.of_api_key(key_id)
        log.info("api_key_revoked", user=user_id, api_key=key_id)

    async def exchange(self, secret: str, tokens: AccessTokens) -> AccessToken:
        found = await self._rows.find_usable(digest_of(secret))
        if found is None:
            raise ApiKeyInvalid
        key, user = found
        await self._rows.record_use(key.id)
        return await tokens.for_api_key(user, key)
