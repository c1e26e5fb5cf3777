"""Sessions: log in, refresh tokens and log out. All times are PostgreSQL's, so replicas agree."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.errors import (
    AccountDisabled,
    RefreshRunning,
    RefreshTokenInvalid,
    RefreshTokenReused,
    WrongCredentials,
)
from auth_service.models import LoginSession, RefreshToken, User
from auth_service.sessions.repository import SessionRepository
from auth_service.settings import AuthSettings
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.secrets import RootSecret
from auth_service.tokens.signing import AccessToken, AccessTokens
from kit.database import Database

Verdict = Literal["rotate", "repeat", "expired", "concurrent", "reused"]
# The time in which a client may notice that the answer was lost, and send the same refresh token again.
REPEATABLE_FOR = timedelta(seconds=10)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class TokenPair:
    access: AccessToken
    refresh: str
    refresh_expires_in: int


class SessionService:
    def __init__(
        self,
        settings: AuthSettings,
        database: Database,
        secret: RootSecret,
        tokens: AccessTokens,
        revocations: Revocations,
    ) -> None:
        self._settings, self._database, self._secret = settings, database, secret
        self._tokens, self._revocations = tokens, revocations

    async def log_in(self, session: AsyncSession, checked: User) -> TokenPair:
        """Start a session for a user whose password has just been checked."""
        repository = SessionRepository(session)
        # FOR KEY SHARE, so that concurrent logins of one user do not wait for each other.
        user = await repository.lock_user_against_deletion(checked.id)
        if user is None or user.generation != checked.generation:
            raise WrongCredentials  # The password was changed or the account deleted meanwhile.
        now = await repository.clock()
        login = LoginSession(
            id=uuid4().hex,
            user_id=user.id,
            generation=user.generation,
            started_at=now,
            refreshed_at=now,
            expires_at=self._end_of(now, started_at=now),
        )
        refresh = secrets.token_urlsafe(32)
        await repository.add(login)
        await repository.add_token(_new_token(refresh, login))
        await repository.delete_oldest(user.id)
        log.info("logged_in", user=user.id)
        return await self._pair_of(session, user, login, refresh, now)

    async def log_in_without_refresh(self, session: AsyncSession, checked: User) -> AccessToken:
        """Issue an access token alone, without a session to refresh."""
        log.info("logged_in", user=checked.id)
        return await self._tokens.for_session(session, checked, uuid4().hex)

    async def refresh(self, refresh_token: str, network: str) -> TokenPair:
        """Exchange a refresh token, in its own transaction: reuse ends the session despite the error."""
        received = time.monotonic()
        async with self._database.transaction() as session:
            repository = SessionRepository(session)
            # Connects first, so that the time until the clock is read is known.
            await session.connection()
            waited = timedelta(seconds=time.monotonic() - received)
            arrived_at = await repository.clock() - waited
            match = await repository.lock_of_token(_digest(refresh_token))
            if match is None:
                raise RefreshTokenInvalid
            login, token = match
            successor, client = self._successor_of(refresh_token), self._client_of(network)
            presented = PresentedToken(
                expires_at=token.expires_at,
                used_at=token.used_at,
                repeated_at=token.repeated_at,
                arrived_at=arrived_at,
                by_same_client=token.used_by == client,
                successor_is_unused=await repository.is_unused(_digest(successor)),
            )
            verdict = judge(presented)
            if verdict in {"rotate", "repeat"}:
                user = await self._current_user(session, login)
                now = await repository.clock()
                if verdict == "repeat":
                    token.repeated_at = now
                else:
                    token.used_at, token.used_by = now, client
                    await self._rotate(session, login, successor, now)
                return await self._pair_of(session, user, login, successor, now)
            if verdict == "reused":
                # Committed before the error below, which would roll it back.
                await self._end(session, login.id)
        if verdict == "concurrent":
            raise RefreshRunning
        if verdict == "expired":
            raise RefreshTokenInvalid
        log.warning("refresh_token_reused", user=login.user_id)
        raise RefreshTokenReused

    async def log_out(self, session: AsyncSession, session_id: str) -> None:
        """End the session with its access tokens."""
        await self._end(session, session_id)
        log.info("logged_out")

    async def _current_user(self, session: AsyncSession, login: LoginSession) -> User:
        user = await SessionRepository(session).find_user(login.user_id)
        if user is None or user.generation != login.generation:
            raise RefreshTokenInvalid
        if user.disabled:
            raise AccountDisabled
        return user

    async def _rotate(
        self, session: AsyncSession, login: LoginSession, successor: str, now: datetime
    ) -> None:
        repository = SessionRepository(session)
        login.refreshed_at = now
        login.expires_at = self._end_of(now, started_at=login.started_at)
        await repository.add_token(_new_token(successor, login))
        await repository.delete_oldest_tokens(login.id)

    async def _pair_of(
        self, session: AsyncSession, user: User, login: LoginSession, refresh: str, now: datetime
    ) -> TokenPair:
        rest = login.expires_at - now
        access = await self._tokens.for_session(session, user, login.id, rest)
        return TokenPair(access, refresh, int(rest.total_seconds()))

    async def _end(self, session: AsyncSession, session_id: str) -> None:
        await SessionRepository(session).delete(session_id)
        await self._revocations.revoke_session(session, session_id)

    def _end_of(self, now: datetime, *, started_at: datetime) -> datetime:
        return min(now + self._settings.refresh_lifetime, started_at + self._settings.session_lifetime)

    def _successor_of(self, refresh_token: str) -> str:
        """Derived, so that a repeated use gets the same answer although only digests are stored."""
        derived = self._secret.digest("refresh token", refresh_token.encode())
        return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()

    def _client_of(self, network: str) -> bytes:
        return self._secret.digest("client network", network.encode())


@dataclass(frozen=True)
class PresentedToken:
    """A refresh token as stored, and the request that presents it."""

    expires_at: datetime
    used_at: datetime | None
    repeated_at: datetime | None
    arrived_at: datetime
    by_same_client: bool
    successor_is_unused: bool


def judge(token: PresentedToken) -> Verdict:
    """Of concurrent requests one rotates. Its client may repeat it once, since the answer may be lost.

    Any other use is a reuse: thief and owner present the same token, so it ends the session for both.
    """
    if token.used_at is None:
        return "expired" if token.expires_at <= token.arrived_at else "rotate"
    if token.arrived_at <= (token.repeated_at or token.used_at):
        return "concurrent"
    is_recent = token.repeated_at is None and token.arrived_at <= token.used_at + REPEATABLE_FOR
    return "repeat" if is_recent and token.by_same_client and token.successor_is_unused else "reused"


def _new_token(text: str, login: LoginSession) -> RefreshToken:
    return RefreshToken(digest=_digest(text), session_id=login.id, expires_at=login.expires_at)


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
