"""Tables of billing-service, as SQLAlchemy models; the migrations are compared with them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Identity,
    Index,
    Integer,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kit.database import declarative_base
from kit.outbox import inbox_table

# Smaller ids belong to system accounts.
FIRST_WALLET = 1000

Base = declarative_base("billing")
# Migration 0003 created VARCHAR columns without a length, which PostgreSQL treats as TEXT.
Base.registry.update_type_annotation_map({str: String})
metadata = Base.metadata
inbox = inbox_table(metadata)


class Account(Base):
    """A user's wallet, a group's pool, a member's allowance, or a system account (`house`)."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("kind IN ('house', 'wallet', 'pool', 'allowance')", "kind"),
        CheckConstraint(
            "kind <> 'house' OR (house IS NOT NULL"
            " AND num_nonnulls(owner_id, group_id, member_id, rule_id, period, expires_at) = 0)",
            "house_columns",
        ),
        CheckConstraint(
            "kind <> 'wallet' OR (owner_id IS NOT NULL"
            " AND num_nonnulls(house, group_id, member_id, rule_id, period, expires_at) = 0)",
            "wallet_columns",
        ),
        CheckConstraint(
            "kind <> 'pool' OR (group_id IS NOT NULL"
            " AND num_nonnulls(house, owner_id, member_id, rule_id, period) = 0)",
            "pool_columns",
        ),
        CheckConstraint(
            "kind <> 'allowance' OR (num_nulls(group_id, member_id, rule_id, period, expires_at) = 0"
            " AND num_nonnulls(house, owner_id) = 0)",
            "allowance_columns",
        ),
        CheckConstraint("house IS NULL OR (posted = 0 AND held = 0)", "house_is_summed"),
        CheckConstraint("held >= 0", "held_not_negative"),
        CheckConstraint("posted - held >= 0", "nothing_overspent"),
        CheckConstraint("closed_at IS NULL OR posted = 0", "closed_is_empty"),
        Index("uq_accounts_pool_group_id", "group_id", unique=True, postgresql_where=text("kind = 'pool'")),
        Index(
            "uq_accounts_allowance_rule_id_member_id_period",
            *("rule_id", "member_id", "period"),
            unique=True,
            postgresql_where=text("kind = 'allowance'"),
        ),
        Index(
            "ix_accounts_open_allowance_group_id_member_id",
            *("group_id", "member_id"),
            postgresql_where=text("kind = 'allowance' AND closed_at IS NULL"),
        ),
        Index(
            "ix_accounts_open_expires_at",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL AND closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(start=FIRST_WALLET), primary_key=True)
    house: Mapped[str | None] = mapped_column(unique=True)
    # Of wallets only: the previous release finds a wallet by it. An allowance belongs to `member_id`.
    owner_id: Mapped[int | None] = mapped_column(unique=True)
    posted: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[int] = mapped_column(server_default="0")
    closed_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(server_default="wallet")
    group_id: Mapped[int | None]
    member_id: Mapped[int | None]
    rule_id: Mapped[int | None]
    period: Mapped[int | None]
    # From then on the tokens return to the pool; those of a pool whose group is deleted expire.
    expires_at: Mapped[datetime | None]


class Transfer(Base):
    """A transfer between two accounts. The table is append-only; a trigger refuses other changes."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", "amount_above_zero"),
        CheckConstraint("debit_account <> credit_account", "two_accounts"),
        Index("ix_transfers_wallet_id", text("greatest(debit_account, credit_account)"), "id"),
        Index(None, "group_id", "id", postgresql_where=text("group_id IS NOT NULL")),
        Index(None, "group_id", "member_id", "id", postgresql_where=text("group_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    debit_account: Mapped[int]
    credit_account: Mapped[int]
    amount: Mapped[int]
    kind: Mapped[str]
    key: Mapped[str] = mapped_column("operation")
    action: Mapped[str | None]
    resource: Mapped[str | None]
    price_version: Mapped[int | None] = mapped_column(Integer)
    receipt_id: Mapped[UUID | None]
    note: Mapped[str | None]
    made_by: Mapped[int | None]
    # The balance of the transfer's one wallet; of two, that of the debited one.
    balance_after: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    context: Mapped[str | None]
    credit_balance_after: Mapped[int | None]
    # Of transfers of a pool or an allowance, with the member that the transfer concerns.
    group_id: Mapped[int | None]
    member_id: Mapped[int | None]


class Hold(Base):
    """Tokens held for work in progress."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'settled', 'released', 'expired', 'refunded')", "state"),
        CheckConstraint("tokens >= 0", "tokens_not_negative"),
        CheckConstraint("settled_tokens BETWEEN 0 AND tokens", "settled_within_hold"),
        CheckConstraint(
            "(state IN ('settled', 'refunded')) = (settled_tokens IS NOT NULL)", "settled_has_tokens"
        ),
        CheckConstraint("(state = 'held') = (ended_available IS NULL)", "ended_has_answer"),
        CheckConstraint(
            "(wallet_id IS NULL) = (group_id IS NOT NULL) AND (group_id IS NULL) = (member_id IS NULL)",
            "wallet_or_group",
        ),
        Index("ix_holds_open_expires_at", "expires_at", postgresql_where=text("state = 'held'")),
        Index("ix_holds_open_wallet_id", "wallet_id", postgresql_where=text("state = 'held'")),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes]
    # Null for a hold that a group pays: it has parts.
    wallet_id: Mapped[int | None]
    tokens: Mapped[int]
    state: Mapped[str]
    action: Mapped[str]
    units: Mapped[int]
    resource: Mapped[str | None]
    price_version: Mapped[int] = mapped_column(Integer)
    api_key_id: Mapped[int | None]
    expires_at: Mapped[datetime]
    # Replays of the hold and of its end return these balances, not the current ones.
    held_available: Mapped[int]
    settled_tokens: Mapped[int | None]
    ended_available: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    group_id: Mapped[int | None]
    member_id: Mapped[int | None]
    context: Mapped[str | None]


class FirstAnswer(Base):
    """The first answer to the idempotency key of a credit or refund; charges have theirs in `receipts`."""

    __tablename__ = "operations"

    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes]
    tokens: Mapped[int]
    available: Mapped[int]
    receipt_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class KeyUsage(Base):
    """Spent and held tokens of an API key, to compare with its cap."""

    __tablename__ = "key_usage"
    __table_args__ = (CheckConstraint("used >= 0", "used_not_negative"),)

    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    used: Mapped[int]


class Receipt(Base):
    """The explanation of a charge, free ones included, a purchase or a refund. The table is append-only."""

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("kind IN ('charge', 'purchase', 'refund')", "kind"),
        CheckConstraint("(input_hash IS NULL) = (available IS NULL)", "first_answer_is_whole"),
        Index(None, "owner_id", "created_at"),
        Index(None, "created_at", postgresql_using="brin"),
        Index(None, "group_id", "created_at", postgresql_where=text("group_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
    kind: Mapped[str]
    tokens: Mapped[int]
    action: Mapped[str | None]
    units: Mapped[int | None]
    resource: Mapped[str | None]
    price_version: Mapped[int | None] = mapped_column(Integer)
    card_brand: Mapped[str | None]
    card_last_four: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # The first answer to the key of a charge without a hold.
    input_hash: Mapped[bytes | None]
    available: Mapped[int | None]
    api_key_id: Mapped[int | None]
    group_id: Mapped[int | None]
    context: Mapped[str | None]


class Price(Base):
    """One version of an action's price; the highest version applies."""

    __tablename__ = "prices"
    __table_args__ = (
        CheckConstraint("tokens >= 0", "tokens_not_negative"),
        CheckConstraint("per_units > 0", "per_units_above_zero"),
    )

    action: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    tokens: Mapped[int]
    per_units: Mapped[int]
    set_by: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Quote(Base):
    """A price version guaranteed to a user until the quote expires."""

    __tablename__ = "quotes"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    key: Mapped[str]
    action: Mapped[str]
    units: Mapped[int]
    tokens: Mapped[int]
    price_version: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Purchase(Base):
    """A purchase, recorded before the card is charged, so that its key never stands for another purchase."""

    __tablename__ = "purchases"

    key: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[bytes]
    user_id: Mapped[int]
    tokens: Mapped[int]
    card_brand: Mapped[str]
    card_last_four: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Owner(Base):
    """The owner of a wallet, with name and role from the latest event; used in lists only."""

    __tablename__ = "owners"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    folded_name: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    disabled: Mapped[bool]
    # The group that pays for work whose request names none.
    default_group: Mapped[int | None]
