"""Queries of sessions, their refresh tokens and their users."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import LoginSession, RefreshToken, User


class SessionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

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

    async def list_of(self, user_id: int) -> Sequence[LoginSession]:
        statement = select(LoginSession).where(LoginSession.user_id == user_id)
        return (await self._session.scalars(statement.order_by(LoginSession.started_at))).all()

    async def delete(self, session_id: str) -> None:
        await self._session.execute(delete(LoginSession).where(LoginSession.id == session_id))

    async def delete_expired(self, now: datetime) -> None:
        await self._session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
