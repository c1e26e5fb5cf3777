"""The users table."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base
from kit.identity import Role


class User(Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('user', 'admin')", name="role_known"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    folded_name: Mapped[str] = mapped_column(Text, unique=True)
    display_name: Mapped[str | None] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(Text)
    disabled: Mapped[bool]
    generation: Mapped[int] = mapped_column(BigInteger)
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_working_admin(self) -> bool:
        return self.role == "admin" and not self.disabled
