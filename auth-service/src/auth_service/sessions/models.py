"""Logins that can be refreshed, and the refresh tokens each of them has had."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base


class LoginSession(Base):
    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("auth.users.id", ondelete="CASCADE"), index=True
    )
    # A session of an older generation than its user's is over: the password or role changed since.
    generation: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    refreshed_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RefreshToken(Base):
    """Used ones stay, so that their reuse is noticed."""

    __tablename__ = "refresh_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[str] = mapped_column(
        Text, ForeignKey("auth.sessions.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
