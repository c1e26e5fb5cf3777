"""Logs people in, refreshes their tokens and logs them out."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import structlog

from auth_service.access_tokens.service import AccessToken, AccessTokens
from auth_service.base import utc_now
from auth_service.errors import (
    AccountDisabled,
    RefreshRunning,
    RefreshTokenInvalid,
    RefreshTokenReused,
    WrongCredentials,
)
from auth_service.models import User
from auth_service.sessions.models import LoginSession, RefreshToken
from auth_service.sessions.repository import SessionRepository
from auth_service.sessions.rules import ShownToken, judge
from auth_service.tokens.revocations import Revocations
from auth_service.users.repository import UserRepository

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class TokenPair:
    access: AccessToken
    refresh: str
    refresh_expires_in: int


@dataclass(frozen=True)
class SessionStores:
    sessions: SessionRepository
    users: UserRepository


class SessionService:
    def __init__(
        self,
        stores: SessionStores,
        tokens: AccessTokens,
        revocations: Revocations,
        refresh_lifetime: timedelta,
    ) -> None:
        self._rows, self._users = stores.sessions, stores.users
        self._tokens, self._revocations = tokens, revocations
        self._lifetime = refresh_lifetime

    async def log_in(self, checked: User) -> TokenPair:
        """A session that can be refreshed, for a user whose password was just checked."""
        user = await self._users.lock_against_deletion(checked.id)
        if user is None or user.generation != checked.generation:
            raise WrongCredentials  # The password was changed or the account deleted meanwhile.
        now = utc_now()
        login = LoginSession(
            id=uuid4().hex,
            user_id=user.id,
            generation=user.generation,
            started_at=now,
            refreshed_at=now,
            expires_at=now + self._lifetime,
        )
        await self._rows.add(login)
        log.info("logged_in", user=user.id)
        return await self._issue(user, login)

    async def log_in_briefly(self, checked: User) -> AccessToken:
        """An access token alone, without a session to refresh."""
        log.info("logged_in", user=checked.id)
        return await self._tokens.for_session(checked, uuid4().hex)

    async def refresh(self, refresh_token: str) -> TokenPair:
        arrived_at = utc_now()
        found = await self._rows.lock_of_token(_digest(refresh_token))
        if found is None:
            raise RefreshTokenInvalid
        login, token = found
        match judge(ShownToken(token.used_at, token.expires_at, arrived_at)):
            case "expired":
                raise RefreshTokenInvalid
            case "twin":
                raise RefreshRunning
            case "reused":
                await self._end(login.id)
                await self._rows.keep()
                log.warning("refresh_token_reused", user=login.user_id)
                raise RefreshTokenReused
            case "rotate":
                return await self._rotate(login, token)

    async def log_out(self, session_id: str) -> None:
        """The session's access tokens die with it."""
        await self._end(session_id)
        log.info("logged_out")

    async def list_of(self, user_id: int) -> Sequence[LoginSession]:
        return await self._rows.list_of(user_id)

    async def _rotate(self, login: LoginSession, token: RefreshToken) -> TokenPair:
        user = await self._users.find(login.user_id)
        if user is None or user.generation != login.generation:
            raise RefreshTokenInvalid
        if user.disabled:
            raise AccountDisabled
        token.used_at = login.refreshed_at = utc_now()
        login.expires_at = utc_now() + self._lifetime
        return await self._issue(user, login)

    async def _issue(self, user: User, login: LoginSession) -> TokenPair:
        refresh = secrets.token_urlsafe(32)
        await self._rows.add_token(
            RefreshToken(digest=_digest(refresh), session_id=login.id, expires_at=login.expires_at)
        )
        access = await self._tokens.for_session(user, login.id)
        return TokenPair(access, refresh, int(self._lifetime.total_seconds()))

    async def _end(self, session_id: str) -> None:
        await self._rows.delete(session_id)
        await self._revocations.of_session(session_id)


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
