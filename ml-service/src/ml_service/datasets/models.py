"""Uploaded tables."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Identity, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Json
from ml_service.base import Base


class Dataset(Base):
    """One file of one user; `location` is its key in the store, `profile` the types of its columns.

    `details` are statistics and findings, null for a row of an older version. They are large, so they are
    only loaded where a query requests them.
    """

    __tablename__ = "datasets"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256"),
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        CheckConstraint("size_bytes >= 0 AND row_count >= 0 AND column_count >= 0", name="sizes"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int]
    name: Mapped[str]
    location: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[bytes]
    size_bytes: Mapped[int]
    row_count: Mapped[int]
    column_count: Mapped[int]
    profile: Mapped[Json]
    preview: Mapped[Json]
    details: Mapped[Json | None] = mapped_column(deferred=True, deferred_raiseload=True)
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
