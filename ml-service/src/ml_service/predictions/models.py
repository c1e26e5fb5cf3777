"""Answers to predictions and batches that carried an Idempotency-Key, kept for their retries."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from ml_service.base import Base


class Answer(Base):
    """`answer` is what was or will be sent; without it the first request is still running.

    `location` is the key in the store of what is too large to lie here.
    """

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint_length"),
        Index("ix_answers_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int]
    idempotency_key: Mapped[str]
    fingerprint: Mapped[bytes]
    answer: Mapped[bytes | None]
    location: Mapped[str | None] = mapped_column(unique=True)
    lease_until: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
