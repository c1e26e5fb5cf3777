"""Tables of payments of groups: spending limits, and parts of holds and receipts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Integer,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing_service.group_models import LOCAL_TIME
from billing_service.models import Base, Hold

metadata = Base.metadata


class Limit(Base):
    """The most that a member may spend in a period: in a context, with an API key, or in all.

    It is never changed, so that usage stays in its period.
    """

    __tablename__ = "limits"
    __table_args__ = (UniqueConstraint("group_id", "key"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    group_id: Mapped[int]
    key: Mapped[str]
    input_hash: Mapped[bytes]
    # Null for each member.
    user_id: Mapped[int | None]
    context: Mapped[str | None]
    api_key_id: Mapped[int | None]
    amount: Mapped[int]
    # Null for ever.
    every: Mapped[str | None]
    starts_at: Mapped[datetime] = mapped_column(LOCAL_TIME)
    # That of the group at the limit's creation.
    time_zone: Mapped[str]
    created_by: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LimitUsage(Base):
    """Spent and held tokens of a member in a period of a limit."""

    __tablename__ = "limit_usage"
    __table_args__ = (CheckConstraint("used >= 0", "used_not_negative"),)

    limit_id: Mapped[int] = mapped_column(ForeignKey(Limit.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    used: Mapped[int]


class HoldPart(Base):
    """The tokens of one account in a hold that a group pays, in the order in which they are spent."""

    __tablename__ = "hold_parts"
    __table_args__ = (
        CheckConstraint("tokens > 0", "tokens_above_zero"),
        CheckConstraint("settled_tokens BETWEEN 0 AND tokens", "settled_within_part"),
    )

    hold_key: Mapped[str] = mapped_column(ForeignKey(Hold.key), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    tokens: Mapped[int]
    settled_tokens: Mapped[int | None]


class ReceiptPart(Base):
    """The tokens that one account paid or got back, of a receipt of a group. The table is append-only."""

    __tablename__ = "receipt_parts"
    __table_args__ = (CheckConstraint("tokens > 0", "tokens_above_zero"),)

    receipt_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    tokens: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
