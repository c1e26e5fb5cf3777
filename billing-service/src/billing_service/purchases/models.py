"""What was asked of the card provider."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, func
from sqlalchemy.orm import Mapped, mapped_column

from billing_service.base import Base


class Purchase(Base):
    """Recorded before the card is charged, so that its key can never come to mean another purchase."""

    __tablename__ = "purchases"

    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes]
    user_id: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    card_brand: Mapped[str]
    card_last_four: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
