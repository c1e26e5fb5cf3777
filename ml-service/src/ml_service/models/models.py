"""Trained models, and the names that running jobs have reserved."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import Json
from ml_service.base import Base


class Model(Base):
    """A model, inserted with its job so that its unique name decides races; visible once `ready_at` is set.

    `files` holds the SHA-256 of each file of the artefact.
    """

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("(ready_at IS NULL) = (artefact IS NULL)", name="bytes_when_ready"),
        CheckConstraint("(ready_at IS NULL) = (files IS NULL)", name="digests_when_ready"),
        CheckConstraint("(ready_at IS NULL) = (description IS NULL)", name="described_when_ready"),
        Index("ix_models_user_id_id", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    model_type: Mapped[str]
    artefact: Mapped[str | None] = mapped_column(unique=True)
    files: Mapped[Json | None]
    size_bytes: Mapped[int] = mapped_column(server_default="0")
    description: Mapped[Json | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ready_at: Mapped[datetime | None]
