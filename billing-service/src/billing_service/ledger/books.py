"""Books: the rows that a batch of commands may change, read under lock, decided on and written back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple
from uuid import UUID, uuid5

from billing_service.errors import WalletNotFound
from billing_service.prices.rules import Price

RECEIPTS = UUID("5b1f6b0e-3f0a-5d0c-9a0e-7d8e6f1c2a4b")
TransferKind = Literal["opening_grant", "grant", "purchase", "charge", "refund", "closing"]
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


@dataclass(slots=True)
class Hold:
    key: str
    input_hash: bytes
    wallet_id: int
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


class Transfer(NamedTuple):
    debit_account: int
    credit_account: int
    amount: int
    balance_after: int
    details: TransferDetails


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


@dataclass(slots=True)
class Changes:
    """The rows to write. Wallets, holds and key usage are keyed by id, so that each row is written once."""

    transfers: list[Transfer] = field(default_factory=list[Transfer])
    receipts: list[Receipt] = field(default_factory=list[Receipt])
    first_answers: list[FirstAnswer] = field(default_factory=list[FirstAnswer])
    wallets: dict[int, Wallet] = field(default_factory=dict[int, Wallet])
    # A hold that is placed and ended in one batch is inserted once, in its final state.
    new_holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    old_holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    key_usage: dict[int, int] = field(default_factory=dict[int, int])


@dataclass(slots=True)
class Books:
    """The locked wallets of a batch and the rows read for it; decisions update them and record changes."""

    wallets: dict[int, Wallet]
    prices: Mapping[str, Price]
    holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    first_answers: dict[str, FirstAnswer] = field(default_factory=dict[str, FirstAnswer])
    receipts: dict[UUID, Receipt] = field(default_factory=dict[UUID, Receipt])
    quotes: Mapping[UUID, Quote] = field(default_factory=dict[UUID, Quote])
    key_usage: dict[int, int] = field(default_factory=dict[int, int])
    changes: Changes = field(default_factory=Changes)
    _by_owner: dict[int, Wallet] = field(init=False)

    def __post_init__(self) -> None:
        self._by_owner = {wallet.owner_id: wallet for wallet in self.wallets.values()}

    def wallet_of(self, owner_id: int) -> Wallet | None:
        return self._by_owner.get(owner_id)

    def open_wallet_of(self, owner_id: int) -> Wallet:
        wallet = self.wallet_of(owner_id)
        if wallet is None or wallet.closed_at is not None:
            raise WalletNotFound
        return wallet

    def open_holds(self, wallet: Wallet) -> list[Hold]:
        return [hold for hold in self.holds.values() if hold.wallet_id == wallet.id and hold.state == "held"]

    def add_hold(self, hold: Hold) -> None:
        self.holds[hold.key] = self.changes.new_holds[hold.key] = hold

    def end_hold(self, hold: Hold, wallet: Wallet, state: HoldState) -> None:
        """Make the held tokens available again; a settlement has debited its tokens before."""
        self.change_held(wallet, -hold.tokens)
        if hold.api_key_id is not None:
            self.add_key_usage(hold.api_key_id, (hold.settled_tokens or 0) - hold.tokens)
        hold.state = state
        hold.ended_available = wallet.available
        self.record_change(hold)

    def record_change(self, hold: Hold) -> None:
        if hold.key not in self.changes.new_holds:
            self.changes.old_holds[hold.key] = hold

    def add_first_answer(self, answer: FirstAnswer) -> None:
        self.first_answers[answer.key] = answer
        self.changes.first_answers.append(answer)

    def add_receipt(self, receipt: Receipt) -> None:
        self.receipts[receipt.id] = receipt
        self.changes.receipts.append(receipt)

    def change_held(self, wallet: Wallet, tokens: int) -> None:
        """Hold this many tokens; a negative number makes tokens available again."""
        if tokens == 0:
            return
        wallet.held += tokens
        self.changes.wallets[wallet.id] = wallet

    def add_key_usage(self, api_key_id: int, tokens: int) -> None:
        used = self.key_usage.get(api_key_id, 0) + tokens
        self.key_usage[api_key_id] = self.changes.key_usage[api_key_id] = used

    def credit(self, wallet: Wallet, house: House, amount: int, details: TransferDetails) -> None:
        """Transfer tokens from a system account to the wallet."""
        self._move(wallet, amount)
        self.changes.transfers.append(Transfer(house, wallet.id, amount, wallet.posted, details))

    def debit(self, wallet: Wallet, house: House, amount: int, details: TransferDetails) -> None:
        """Transfer tokens from the wallet to a system account."""
        self._move(wallet, -amount)
        self.changes.transfers.append(Transfer(wallet.id, house, amount, wallet.posted, details))

    def _move(self, wallet: Wallet, tokens: int) -> None:
        wallet.posted += tokens
        self.changes.wallets[wallet.id] = wallet
