"""Rows that a batch of commands reads, decides on and writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

from billing_service.calendar_rules import Calendar
from billing_service.prices.rules import Price

RECEIPTS = UUID("5b1f6b0e-3f0a-5d0c-9a0e-7d8e6f1c2a4b")
ReturnKind = Literal["allowance_expired", "allowance_returned"]
TransferKind = (
    Literal["opening_grant", "grant", "pool_grant", "purchase", "charge", "refund", "closing"]
    | Literal["allowance", "pool_closed"]
    | ReturnKind
)
ReceiptKind = Literal["charge", "purchase", "refund"]
HoldState = Literal["held", "settled", "released", "expired", "refunded"]


def receipt_id_of(key: str) -> UUID:
    """The receipt id of a key: derived from the key, so it needs no query."""
    return uuid5(RECEIPTS, key)


class House(IntEnum):
    """System accounts. Their balances are sums over transfers, so that no row is updated by all users."""

    GRANTS = 1
    SALES = 2
    REVENUE = 3
    EXPIRED = 4


@dataclass(slots=True)
class Wallet:
    id: int
    owner_id: int
    posted: int
    held: int
    closed_at: datetime | None = None

    @property
    def available(self) -> int:
        return self.posted - self.held

    @property
    def name(self) -> str:
        return f"wallet:{self.owner_id}"


@dataclass(slots=True)
class Pool(Wallet):
    """The wallet of a group, without an owner. From `expires_at` on, its tokens expire."""

    group_id: int = 0
    expires_at: datetime | None = None

    def has_ended(self, now: datetime) -> bool:
        return self.closed_at is not None or (self.expires_at is not None and self.expires_at <= now)

    @property
    def name(self) -> str:
        return f"pool:{self.group_id}"


@dataclass(slots=True)
class Allowance(Pool):
    """The dated tokens of one member, its owner; from `expires_at` on, they return to the pool."""

    rule_id: int = 0
    period: int = 0

    @property
    def name(self) -> str:
        return f"allowance:{self.id}"


def total_of(payers: Sequence[Wallet]) -> int:
    """The tokens that are available in all."""
    # Nearly always the user's wallet alone, which a sum would slow down.
    return payers[0].available if len(payers) == 1 else sum(payer.available for payer in payers)


@dataclass(slots=True)
class Part:
    """The tokens that one account pays of a hold."""

    account_id: int
    tokens: int
    settled_tokens: int | None = None


@dataclass(slots=True)
class Hold:
    """A hold of a user's wallet, or of accounts that its `parts` name if a group pays."""

    key: str
    input_hash: bytes
    wallet_id: int | None
    tokens: int
    state: HoldState
    action: str
    units: int
    resource: str | None
    price_version: int
    api_key_id: int | None
    expires_at: datetime
    held_available: int
    settled_tokens: int | None = None
    ended_available: int | None = None
    group_id: int | None = None
    member_id: int | None = None
    context: str | None = None
    # Set for holds of groups only, whose limits count it; others have the time of their transaction.
    created_at: datetime | None = None
    parts: list[Part] = field(default_factory=list[Part], compare=False)

    def paid_from(self) -> list[Part]:
        """The parts; one for the wallet of a hold that no group pays."""
        if self.wallet_id is None:
            return self.parts
        return [Part(self.wallet_id, self.tokens, self.settled_tokens)]


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The first answer to the idempotency key of a credit or a refund."""

    key: str
    input_hash: bytes
    tokens: int
    available: int
    receipt_id: UUID | None


@dataclass(frozen=True, slots=True)
class Quote:
    """A price guaranteed to a user until the quote expires."""

    user_id: int
    price: Price
    expires_at: datetime


class TransferDetails(NamedTuple):
    """The reason for a transfer; `key` is the idempotency key of its command."""

    kind: TransferKind
    key: str
    action: str | None = None
    resource: str | None = None
    price_version: int | None = None
    receipt_id: UUID | None = None
    note: str | None = None
    made_by: int | None = None
    context: str | None = None
    # The member of the group that the transfer concerns.
    member_id: int | None = None


class Transfer(NamedTuple):
    """`group_id` is that of the pool or allowance whose tokens are moved."""

    debit_account: int
    credit_account: int
    amount: int
    balance_after: int
    details: TransferDetails
    credit_balance_after: int | None = None
    group_id: int | None = None


class Receipt(NamedTuple):
    """The receipt of a charge without a hold is also the first answer to its key, with input and answer."""

    id: UUID
    owner_id: int
    kind: ReceiptKind
    tokens: int
    action: str | None = None
    units: int | None = None
    resource: str | None = None
    price_version: int | None = None
    card_brand: str | None = None
    card_last_four: str | None = None
    input_hash: bytes | None = None
    available: int | None = None
    api_key_id: int | None = None
    group_id: int | None = None
    context: str | None = None
    # As in a hold.
    created_at: datetime | None = None


class Spender(NamedTuple):
    """A user and the group that pays for them, as read under the locks; None for what is unknown."""

    group_id: int
    user_id: int
    group_state: str | None
    member_state: str | None
    pays_from: Sequence[str] | None
    has_limits: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a member may spend in a period: with an API key, in a context, or in all."""

    id: int
    group_id: int
    user_id: int | None
    context: str | None
    api_key_id: int | None
    amount: int
    calendar: Calendar
    created_at: datetime


class MissingAllowance(NamedTuple):
    """A member without an allowance for a period, and the id of the account that it would have."""

    user_id: int
    account_id: int


@dataclass(slots=True)
class Issue:
    """The allowances that are missing for one period of a rule."""

    group_id: int
    amount: int
    missing: list[MissingAllowance]
