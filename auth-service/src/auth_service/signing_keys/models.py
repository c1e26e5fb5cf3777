"""The key pairs that sign access tokens under EdDSA."""

from datetime import datetime

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base
from auth_service.tokens.rules import KeyTimes


class SigningKey(Base):
    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    public_key: Mapped[str] = mapped_column(Text)
    sealed_private_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    published_until: Mapped[datetime | None]

    @property
    def times(self) -> KeyTimes:
        return KeyTimes(self.id, self.signs_from, self.published_until)
