"""Sessions: log in, refresh tokens and log out."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.signing import AccessToken, AccessTokens
from kit.database import Database

Verdict = Literal["rotate", "expired", "concurrent", "reused"]

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class TokenPair:
    access: AccessToken
    refresh: str
    refresh_expires_in: int


class SessionService:
    def __init__(
        self,
        database: Database,
        tokens: AccessTokens,
        revocations: Revocations,
        refresh_lifetime: timedelta,
    ) -> None:
        self._database = database
        self._tokens, self._revocations = tokens, revocations
        self._lifetime = refresh_lifetime

    async def log_in(self, session: AsyncSession, checked: User) -> TokenPair:
        """Start a session for a user whose password has just been checked."""
        repository = SessionRepository(session)
        # FOR KEY SHARE, so that concurrent logins of one user do not wait for each other.
        user = await repository.lock_user_against_deletion(checked.id)
        if user is None or user.generation != checked.generation:
            raise WrongCredentials  # The password was changed or the account deleted meanwhile.
        now = datetime.now(UTC)
        login = LoginSession(
            id=uuid4().hex,
            user_id=user.id,
            generation=user.generation,
            started_at=now,
            refreshed_at=now,
            expires_at=now + self._lifetime,
        )
        await repository.add(login)
        log.info("logged_in", user=user.id)
        return await self._issue(session, user, login)

    async def log_in_without_refresh(self, session: AsyncSession, checked: User) -> AccessToken:
        """Issue an access token alone, without a session to refresh."""
        log.info("logged_in", user=checked.id)
        return await self._tokens.for_session(session, checked, uuid4().hex)

    async def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token, in its own transaction: reuse ends the session despite the error."""
        arrived_at = datetime.now(UTC)
        async with self._database.transaction() as session:
            match = await SessionRepository(session).lock_of_token(_digest(refresh_token))
            if match is None:
                raise RefreshTokenInvalid
            login, token = match
            verdict = judge(PresentedToken(token.used_at, token.expires_at, arrived_at))
            if verdict == "rotate":
                return await self._rotate(session, login, token)
            if verdict == "reused":
                # Committed before the error below, which would roll it back.
                await self._end(session, login.id)
        match verdict:
            case "expired":
                raise RefreshTokenInvalid
            case "concurrent":
                raise RefreshRunning
            case "reused":
                log.warning("refresh_token_reused", user=login.user_id)
                raise RefreshTokenReused

    async def log_out(self, session: AsyncSession, session_id: str) -> None:
        """End the session with its access tokens."""
        await self._end(session, session_id)
        log.info("logged_out")

    async def _rotate(self, session: AsyncSession, login: LoginSession, token: RefreshToken) -> TokenPair:
        user = await SessionRepository(session).find_user(login.user_id)
        if user is None or user.generation != login.generation:
            raise RefreshTokenInvalid
        if user.disabled:
            raise AccountDisabled
        token.used_at = login.refreshed_at = datetime.now(UTC)
        login.expires_at = datetime.now(UTC) + self._lifetime
        return await self._issue(session, user, login)

    async def _issue(self, session: AsyncSession, user: User, login: LoginSession) -> TokenPair:
        refresh = secrets.token_urlsafe(32)
        await SessionRepository(session).add_token(
            RefreshToken(digest=_digest(refresh), session_id=login.id, expires_at=login.expires_at)
        )
        access = await self._tokens.for_session(session, user, login.id)
        return TokenPair(access, refresh, int(self._lifetime.total_seconds()))

    async def _end(self, session: AsyncSession, session_id: str) -> None:
        await SessionRepository(session).delete(session_id)
        await self._revocations.revoke_session(session, session_id)


@dataclass(frozen=True)
class PresentedToken:
    """A refresh token as stored, and the time at which a request presented it."""

    used_at: datetime | None
    expires_at: datetime
    arrived_at: datetime


def judge(token: PresentedToken) -> Verdict:
    """Of concurrent requests one rotates; a later request is a reuse.

    Thief and owner present the same token, so reuse ends the session for both.
    """
    if token.used_at is not None:
        return "concurrent" if token.arrived_at <= token.used_at else "reused"
    return "expired" if token.expires_at <= token.arrived_at else "rotate"


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
