"""Queries of sessions, their refresh tokens and their users."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import LoginSession, RefreshToken, User

MAX_SESSIONS = 100
# At one refresh an hour, the uses of six weeks: more than the life of any refresh token.
MAX_USED_TOKENS = 1000


class SessionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def clock(self) -> datetime:
        return (await self._session.execute(select(func.clock_timestamp()))).scalar_one()

    async def find_user(self, user_id: int) -> User | None:
        return await self._session.get(User, user_id)

    async def lock_user_against_deletion(self, user_id: int) -> User | None:
        statement = select(User).where(User.id == user_id).with_for_update(read=True, key_share=True)
        return await self._session.scalar(statement, execution_options={"populate_existing": True})

    async def add(self, login: LoginSession) -> None:
        self._session.add(login)
        await self._session.flush()

    async def add_token(self, token: RefreshToken) -> None:
        self._session.add(token)
        await self._session.flush()

    async def lock_of_token(self, digest: bytes) -> tuple[LoginSession, RefreshToken] | None:
        """The session and its token; the session is locked first, so that a concurrent use is visible."""
        session_id = select(RefreshToken.session_id).where(RefreshToken.digest == digest).scalar_subquery()
        login = await self._session.scalar(
            select(LoginSession).where(LoginSession.id == session_id).with_for_update()
        )
        token = await self._session.get(RefreshToken, digest)
        return (login, token) if login is not None and token is not None else None

    async def is_unused(self, digest: bytes) -> bool:
        statement = select(RefreshToken.digest).where(
            RefreshToken.digest == digest, RefreshToken.used_at.is_(None)
        )
        return await self._session.scalar(statement) is not None

    async def delete_oldest_tokens(self, session_id: str) -> None:
        """Delete the oldest used tokens; the caller holds the lock of the session."""
        used = (RefreshToken.session_id == session_id, RefreshToken.used_at.is_not(None))
        oldest = select(RefreshToken.digest).where(*used).order_by(RefreshToken.used_at.desc())
        await self._session.execute(
            delete(RefreshToken).where(RefreshToken.digest.in_(oldest.offset(MAX_USED_TOKENS)))
        )

    async def delete_oldest(self, user_id: int) -> None:
        """Delete the sessions of a user beyond the newest, except those that another request has locked."""
        own, newest_first = LoginSession.user_id == user_id, LoginSession.refreshed_at.desc()
        newest = select(LoginSession.refreshed_at).where(own).order_by(newest_first)
        last = newest.offset(MAX_SESSIONS - 1).limit(1).scalar_subquery()
        exceeding = select(LoginSession.id).where(own, LoginSession.refreshed_at < last)
        await self._session.execute(
            delete(LoginSession).where(LoginSession.id.in_(exceeding.with_for_update(skip_locked=True)))
        )

    async def list_of(self, user_id: int) -> Sequence[LoginSession]:
        statement = select(LoginSession).where(LoginSession.user_id == user_id)
        return (await self._session.scalars(statement.order_by(LoginSession.started_at))).all()

    async def delete(self, session_id: str) -> None:
        await self._session.execute(delete(LoginSession).where(LoginSession.id == session_id))

    async def delete_expired(self) -> None:
        await self._session.execute(delete(LoginSession).where(LoginSession.expires_at <= func.now()))
