"""Signs access tokens."""

from dataclasses import dataclass
from datetime import timedelta

import jwt

from auth_service.access_tokens.rules import (
    Claims,
    KeyRights,
    Subject,
    api_key_claims,
    session_claims,
)
from auth_service.api_keys.models import StoredApiKey
from auth_service.base import utc_now
from auth_service.models import User
from auth_service.settings import AuthSettings
from auth_service.tokens.signing import SigningKeys

API_KEY_LIFETIME = timedelta(seconds=120)


@dataclass(frozen=True)
class AccessToken:
    text: str
    expires_in: int


class AccessTokens:
    def __init__(self, settings: AuthSettings, keys: SigningKeys) -> None:
        self._settings, self._keys = settings, keys

    async def for_session(self, user: User, session_id: str) -> AccessToken:
        lifetime = self._settings.access_lifetime
        claims = session_claims(_subject(user), session_id, utc_now(), lifetime)
        return AccessToken(await self._sign(claims), int(lifetime.total_seconds()))

    async def for_api_key(self, user: User, key: StoredApiKey) -> AccessToken:
        now = utc_now()
        expires = min(now + API_KEY_LIFETIME, key.expires_at or now + API_KEY_LIFETIME)
        rights = KeyRights(key.id, key.scopes, key.token_cap)
        claims = api_key_claims(_subject(user), rights, now, expires)
        return AccessToken(await self._sign(claims), int((expires - now).total_seconds()))

    async def _sign(self, claims: Claims) -> str:
        if self._settings.jwt_algorithm == "HS256":
            return jwt.encode(claims, self._settings.jwt_secret.get_secret_value(), "HS256")
        signer = await self._keys.signer()
        return jwt.encode(claims, signer.private_key, "EdDSA", headers={"kid": signer.id})


def _subject(user: User) -> Subject:
    return Subject(user.id, user.name, user.role, user.generation)
