"""Tells every verifier which tokens died before their time."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from auth_service.after_commit import AfterCommit
from auth_service.base import utc_now
from auth_service.revocations.models import RevocationRow
from auth_service.revocations.repository import RevocationRepository
from auth_service.settings import AuthSettings
from auth_service.tokens.repository import SigningKeyRepository
from auth_service.tokens.secrets import Seal
from auth_service.tokens.signing import SigningKeys
from kit.database import Database
from kit.trust_store import Revocation, TrustSource, TrustStore, TrustUpdate

CLOCKS_DIFFER_BY = timedelta(minutes=5)


@dataclass(frozen=True)
class OwnTrust:
    """Lets this very process know of a revocation as soon as it is committed."""

    trust: TrustStore
    source: TrustSource
    after_commit: AfterCommit

    def refresh_after_commit(self) -> None:
        self.after_commit.add(partial(self.trust.refresh, self.source))


class Revocations:
    def __init__(self, rows: RevocationRepository, settings: AuthSettings, own_trust: OwnTrust) -> None:
        self._rows, self._own_trust = rows, own_trust
        self._kept_for = settings.longest_access_lifetime + CLOCKS_DIFFER_BY

    async def of_user(self, user_id: int, generation: int) -> None:
        """Tokens of an earlier generation die."""
        await self._add(RevocationRow(user_id=user_id, generation=generation))

    async def of_session(self, session_id: str) -> None:
        await self._add(RevocationRow(session_id=session_id))

    async def of_api_key(self, api_key_id: int) -> None:
        await self._add(RevocationRow(api_key_id=api_key_id))

    async def _add(self, row: RevocationRow) -> None:
        row.expires_at = utc_now() + self._kept_for
        await self._rows.add(row)
        self._own_trust.refresh_after_commit()


class DatabaseTrustSource:
    """What verifiers must know, read from the database; auth-service's own verifier uses it too."""

    def __init__(self, database: Database, seal: Seal, settings: AuthSettings) -> None:
        self._database, self._seal, self._settings = database, seal, settings

    async def updates(self, since: int) -> TrustUpdate:
        async with self._database.read() as session:
            rows = RevocationRepository(session)
            # The cursor is read first: what commits in between is then told twice rather than never.
            cursor = await rows.oldest_running_transaction()
            # A cursor from the future is from before the database was restored; start again.
            found = await rows.since(since if since <= cursor else 0)
        keys = await self.public_keys()
        return TrustUpdate(cursor=cursor, keys=keys, revocations=[_revocation(row) for row in found])

    async def public_keys(self) -> list[dict[str, str]]:
        if self._settings.jwt_algorithm == "HS256":
            return []
        async with self._database.read() as session:
            keys = SigningKeys(SigningKeyRepository(session), self._seal, self._settings)
            return await keys.published()


def _revocation(row: RevocationRow) -> Revocation:
    return Revocation(
        user_id=row.user_id,
        generation=row.generation,
        session_id=row.session_id,
        api_key_id=row.api_key_id,
    )
