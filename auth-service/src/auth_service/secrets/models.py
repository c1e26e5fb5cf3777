"""Secrets that must outlive a change of JWT_SECRET."""

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base


class SealedSecret(Base):
    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
