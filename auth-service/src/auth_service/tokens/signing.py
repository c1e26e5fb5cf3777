"""Access tokens, and the key pairs that sign them under EdDSA."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import SigningKey, StoredApiKey, User
from auth_service.settings import AuthSettings
from auth_service.tokens.repository import SigningKeyRepository
from auth_service.tokens.rules import (
    Claims,
    KeyRights,
    KeyTimes,
    Subject,
    api_key_claims,
    is_published,
    public_jwk,
    session_claims,
    signer_among,
    successor_due,
)
from auth_service.tokens.secrets import Seal

API_KEY_TOKEN_LIFETIME = timedelta(seconds=120)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class AccessToken:
    text: str
    expires_in: int


class AccessTokens:
    """Issues access tokens, signed with JWT_SECRET (HS256) or the current signing key (EdDSA)."""

    def __init__(self, settings: AuthSettings, keys: "SigningKeys") -> None:
        self._settings, self._keys = settings, keys

    async def for_session(
        self, session: AsyncSession, user: User, session_id: str, longest: timedelta = timedelta.max
    ) -> AccessToken:
        lifetime = min(self._settings.access_lifetime, longest)
        claims = session_claims(_subject(user), session_id, datetime.now(UTC), lifetime)
        return AccessToken(await self._sign(session, claims), int(lifetime.total_seconds()))

    async def for_api_key(self, session: AsyncSession, user: User, key: StoredApiKey) -> AccessToken:
        now = datetime.now(UTC)
        latest = now + API_KEY_TOKEN_LIFETIME
        expires = min(latest, key.expires_at or latest)
        rights = KeyRights(key.id, key.scopes, key.token_cap, key.group_id)
        claims = api_key_claims(_subject(user), rights, now, expires)
        return AccessToken(await self._sign(session, claims), int((expires - now).total_seconds()))

    async def _sign(self, session: AsyncSession, claims: Claims) -> str:
        if self._settings.jwt_algorithm == "HS256":
            return jwt.encode(claims, self._settings.jwt_secret.get_secret_value(), "HS256")
        signer = await self._keys.signer(session)
        return jwt.encode(claims, signer.private_key, "EdDSA", headers={"kid": signer.id})


def _subject(user: User) -> Subject:
    return Subject(user.id, user.role, user.generation)


@dataclass(frozen=True)
class Signer:
    id: str
    private_key: Ed25519PrivateKey


class SigningKeys:
    """Creates, publishes and rotates key pairs."""

    def __init__(self, seal: Seal, settings: AuthSettings) -> None:
        self._seal, self._settings = seal, settings

    async def signer(self, session: AsyncSession) -> Signer:
        repository = SigningKeyRepository(session)
        return self._open_signer(await repository.all()) or await self.create_first(session)

    async def published(self, session: AsyncSession) -> list[dict[str, str]]:
        now = datetime.now(UTC)
        keys = [key for key in await SigningKeyRepository(session).all() if is_published(_times(key), now)]
        return [public_jwk(key.id, key.public_key) for key in keys]

    async def create_first(self, session: AsyncSession) -> Signer:
        """The usable signing key, or a new one that signs at once."""
        repository = SigningKeyRepository(session)
        await repository.lock()
        signer = self._open_signer(await repository.all())
        return signer or await self._create(session, signs_from=datetime.now(UTC))

    async def reseal(self, session: AsyncSession) -> None:
        """Encrypt all keys with the current JWT_SECRET, so that JWT_SECRET_PREVIOUS can be removed."""
        for key in await SigningKeyRepository(session).all():
            private = self._seal.open(key.sealed_private_key)
            if private is not None:
                key.sealed_private_key = self._seal.seal(private)

    async def rotate(self, session: AsyncSession) -> None:
        """Publish a successor now; it signs after the lead time, when every verifier has it."""
        await SigningKeyRepository(session).lock()
        lead = timedelta(seconds=self._settings.signing_key_lead_seconds)
        await self._create(session, datetime.now(UTC) + lead)

    async def rotate_when_due(self, session: AsyncSession) -> None:
        repository = SigningKeyRepository(session)
        await repository.lock()
        times = [_times(key) for key in await repository.all()]
        if successor_due(times, datetime.now(UTC), timedelta(days=self._settings.signing_key_days)):
            await self.rotate(session)
        await repository.delete_unpublished(datetime.now(UTC))

    async def usable(self, session: AsyncSession) -> list[KeyTimes]:
        """The times of the keys that can be decrypted."""
        keys = await SigningKeyRepository(session).all()
        return [_times(key) for key in keys if self._seal.open(key.sealed_private_key) is not None]

    def _open_signer(self, keys: Sequence[SigningKey]) -> Signer | None:
        sealed = {key.id: self._seal.open(key.sealed_private_key) for key in keys}
        opened = {id_: private for id_, private in sealed.items() if private is not None}
        chosen = signer_among([_times(key) for key in keys if key.id in opened], datetime.now(UTC))
        if chosen is None:
            return None
        return Signer(chosen.id, Ed25519PrivateKey.from_private_bytes(opened[chosen.id]))

    async def _create(self, session: AsyncSession, signs_from: datetime) -> Signer:
        repository = SigningKeyRepository(session)
        signer = Signer(uuid4().hex, Ed25519PrivateKey.generate())
        public = signer.private_key.public_key().public_bytes_raw()
        key = SigningKey(
            id=signer.id,
            public_key=base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
            sealed_private_key=self._seal.seal(signer.private_key.private_bytes_raw()),
            created_at=datetime.now(UTC),
            signs_from=signs_from,
            published_until=None,
        )
        await repository.add(key)
        # The other keys sign until the successor does; their last tokens must stay verifiable.
        await repository.publish_others_until(signer.id, signs_from + self._settings.longest_access_lifetime)
        log.info("signing_key_created", key=signer.id, signs_from=signs_from.isoformat())
        return signer


def _times(key: SigningKey) -> KeyTimes:
    return KeyTimes(key.id, key.signs_from, key.published_until)
