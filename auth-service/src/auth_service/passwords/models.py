"""How often a name's password was guessed wrong."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base


class LoginAttempts(Base):
    """One row for each name somebody tried, known or not; a digest, for people type passwords as names."""

    __tablename__ = "login_attempts"

    name_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    running: Mapped[int]
    blocked_until: Mapped[datetime | None]
    touched_at: Mapped[datetime] = mapped_column(index=True)
