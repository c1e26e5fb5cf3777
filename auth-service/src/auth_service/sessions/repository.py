"""SQL of the sessions and their refresh tokens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.sessions.models import LoginSession, RefreshToken


class SessionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, login: LoginSession) -> None:
        self._session.add(login)
        await self._session.flush()

    async def add_token(self, token: RefreshToken) -> None:
        self._session.add(token)
        await self._session.flush()

    async def lock_of_token(self, digest: bytes) -> tuple[LoginSession, RefreshToken] | None:
        """Locks the session first and reads the token after, so that the loser sees what the winner did."""
        owner = select(RefreshToken.session_id).where(RefreshToken.digest == digest).scalar_subquery()
        login = await self._session.scalar(
            select(LoginSession).where(LoginSession.id == owner).with_for_update()
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

    async def keep(self) -> None:
        """Commits what a refusal that follows must not undo."""
        await self._session.commit()
