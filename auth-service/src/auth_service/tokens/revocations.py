"""Revocations of access tokens, published to every verifier until the tokens expire."""

from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import RevocationRow
from auth_service.settings import AuthSettings
from auth_service.tokens.repository import RevocationRepository
from auth_service.tokens.signing import API_KEY_TOKEN_LIFETIME, SigningKeys
from kit.database import Database, after_commit
from kit.trust_store import Revocation, TrustSource, TrustStore, TrustUpdate

CLOCKS_DIFFER_BY = timedelta(minutes=5)


class Revocations:
    """Adds revocations; after the commit, this process refreshes its own trust store."""

    def __init__(self, settings: AuthSettings, trust: TrustStore, source: TrustSource) -> None:
        self._longest_lifetime = settings.longest_access_lifetime
        self._refresh = partial(trust.refresh, source)

    async def revoke_user(self, session: AsyncSession, user_id: int, generation: int) -> None:
        """Revoke the user's access tokens of earlier generations."""
        await self._add(session, RevocationRow(user_id=user_id, generation=generation))

    async def revoke_session(self, session: AsyncSession, session_id: str) -> None:
        await self._add(session, RevocationRow(session_id=session_id))

    async def revoke_api_key(self, session: AsyncSession, api_key_id: int) -> None:
        # Stored only for the life of its short tokens: keys are created and revoked without limit.
        await self._add(session, RevocationRow(api_key_id=api_key_id), API_KEY_TOKEN_LIFETIME)

    async def _add(
        self, session: AsyncSession, row: RevocationRow, lifetime: timedelta | None = None
    ) -> None:
        row.expires_at = datetime.now(UTC) + (lifetime or self._longest_lifetime) + CLOCKS_DIFFER_BY
        await RevocationRepository(session).add(row)
        after_commit(session, self._refresh)


class DatabaseTrustSource:
    """Source of trust updates: this service reads it directly, other services poll it."""

    def __init__(self, database: Database, keys: SigningKeys, settings: AuthSettings) -> None:
        self._database, self._keys, self._settings = database, keys, settings

    async def updates(self, since: int) -> TrustUpdate:
        async with self._database.read() as session:
            repository = RevocationRepository(session)
            # Before the rows: a commit in between is then sent twice, not lost.
            cursor = await repository.oldest_running_transaction()
            # A cursor ahead of the database is older than its restored backup; send everything.
            rows = await repository.since(since if since <= cursor else 0)
        keys = await self.public_keys()
        return TrustUpdate(cursor=cursor, keys=keys, revocations=[_revocation(row) for row in rows])

    async def public_keys(self) -> list[dict[str, str]]:
        if self._settings.jwt_algorithm == "HS256":
            return []
        async with self._database.read() as session:
            return await self._keys.published(session)


def _revocation(row: RevocationRow) -> Revocation:
    return Revocation(
        user_id=row.user_id,
        generation=row.generation,
        session_id=row.session_id,
        api_key_id=row.api_key_id,
    )
