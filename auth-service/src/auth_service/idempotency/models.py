"""First answers, kept for retries."""

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base


class FirstAnswer(Base):
    __tablename__ = "first_answers"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: JSON of several shapes
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
