"""What a user was charged or bought, as it was then."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from billing_service.base import Base


class Receipt(Base):
    """Written with its movement and never changed; a free charge has a receipt though it moves nothing."""

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("kind IN ('charge', 'purchase')", "kind"),
        Index(None, "owner_id", "created_at"),
        Index(None, "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    tokens: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str | None]
    units: Mapped[int | None] = mapped_column(BigInteger)
    resource: Mapped[str | None]
    price_version: Mapped[int | None]
    card_brand: Mapped[str | None]
    card_last_four: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
