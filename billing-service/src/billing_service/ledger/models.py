"""The tables that hold the money."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from billing_service.base import Base

FIRST_WALLET = 1000


class Account(Base):
    """A user's wallet, or an account of the house."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("(house IS NULL) <> (owner_id IS NULL)", "wallet_or_house"),
        CheckConstraint("house IS NULL OR (posted = 0 AND held = 0)", "house_is_summed"),
        CheckConstraint("held >= 0", "held_not_negative"),
        CheckConstraint("posted - held >= 0", "nothing_overspent"),
        CheckConstraint("closed_at IS NULL OR posted = 0", "closed_is_empty"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(start=FIRST_WALLET), primary_key=True)
    house: Mapped[str | None] = mapped_column(unique=True)
    owner_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    posted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    held: Mapped[int] = mapped_column(BigInteger, server_default="0")
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Transfer(Base):
    """One movement between two accounts. Rows are only ever added; a trigger refuses anything else."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", "amount_above_zero"),
        CheckConstraint("debit_account <> credit_account", "two_accounts"),
        Index(None, "debit_account", "id"),
        Index(None, "credit_account", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    debit_account: Mapped[int] = mapped_column(BigInteger)
    credit_account: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    operation: Mapped[str]
    action: Mapped[str | None]
    resource: Mapped[str | None]
    price_version: Mapped[int | None]
    receipt_id: Mapped[UUID | None]
    note: Mapped[str | None]
    made_by: Mapped[int | None] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Entry(NamedTuple):
    """A transfer between two accounts, each of which is a house's or a user's."""

    transfer: Transfer
    debit: Account
    credit: Account


class Hold(Base):
    """Tokens set aside for work that is being done."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'settled', 'released', 'expired')", "state"),
        CheckConstraint("tokens >= 0", "tokens_not_negative"),
        CheckConstraint("settled_tokens BETWEEN 0 AND tokens", "settled_within_hold"),
        CheckConstraint("(state = 'settled') = (settled_tokens IS NOT NULL)", "settled_has_tokens"),
        CheckConstraint("(state = 'held') = (ended_available IS NULL)", "ended_has_answer"),
        Index("ix_holds_open_expires_at", "expires_at", postgresql_where=text("state = 'held'")),
        Index("ix_holds_open_wallet_id", "wallet_id", postgresql_where=text("state = 'held'")),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes]
    wallet_id: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    action: Mapped[str]
    units: Mapped[int] = mapped_column(BigInteger)
    resource: Mapped[str | None]
    price_version: Mapped[int]
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    held_available: Mapped[int] = mapped_column(BigInteger)
    settled_tokens: Mapped[int | None] = mapped_column(BigInteger)
    ended_available: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Operation(Base):
    """The first answer to a key, for movements that are not about a hold."""

    __tablename__ = "operations"

    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes]
    tokens: Mapped[int] = mapped_column(BigInteger)
    available: Mapped[int] = mapped_column(BigInteger)
    receipt_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Allowance(Base):
    """What an API key has spent or set aside, to hold against its cap."""

    __tablename__ = "allowances"
    __table_args__ = (CheckConstraint("used >= 0", "used_not_negative"),)

    api_key_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    used: Mapped[int] = mapped_column(BigInteger)
