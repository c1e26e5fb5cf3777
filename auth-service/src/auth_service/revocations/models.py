"""What verifiers must stop trusting."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from auth_service.base import Base


class RevocationRow(Base):
    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    # Readers ask by transaction, because ids become visible out of order when transactions overlap.
    transaction: Mapped[int] = mapped_column(
        BigInteger, server_default=text("((pg_current_xact_id())::text)::bigint"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    generation: Mapped[int | None] = mapped_column(BigInteger)
    session_id: Mapped[str | None] = mapped_column(Text)
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[datetime] = mapped_column(index=True)
