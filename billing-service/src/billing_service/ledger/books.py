"""The part of the books that a batch touches: read under lock, decided on, written back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Literal
from uuid import UUID, uuid5

from billing_service.errors import WalletNotFound
from billing_service.prices.rules import Price

RECEIPTS = UUID("5b1f6b0e-3f0a-5d0c-9a0e-7d8e6f1c2a4b")
TransferKind = Literal["opening_grant", "grant", "purchase", "charge", "closing"]
HoldState = Literal["held", "settled", "released", "expired"]


def receipt_id_of(key: str) -> UUID:
    """The same key always has the same receipt, which needs no looking up."""
    return uuid5(RECEIPTS, key)


class House(IntEnum):
    """The house's accounts; their balances are sums over transfers, so that no row is shared by everyone."""

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
class Operation:
    key: str
    input_hash: bytes
    tokens: int
    available: int
    receipt_id: UUID | None


@dataclass(frozen=True, slots=True)
class Quote:
    """A price promised to a user."""

    user_id: int
    price: Price
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Why:
    """What a transfer says for itself."""

    kind: TransferKind
    operation: str
    action: str | None = None
    resource: str | None = None
    price_version: int | None = None
    receipt_id: UUID | None = None
    note: str | None = None
    made_by: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    debit_account: int
    credit_account: int
    amount: int
    balance_after: int
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    id: UUID
    owner_id: int
    kind: Literal["charge", "purchase"]
    tokens: int
    action: str | None = None
    units: int | None = None
    resource: str | None = None
    price_version: int | None = None
    card_brand: str | None = None
    card_last_four: str | None = None


@dataclass(slots=True)
class Changes:
    """What to write. Wallets, holds and allowances are by key, so that each is written once."""

    transfers: list[Transfer] = field(default_factory=list[Transfer])
    receipts: list[Receipt] = field(default_factory=list[Receipt])
    operations: list[Operation] = field(default_factory=list[Operation])
    wallets: dict[int, Wallet] = field(default_factory=dict[int, Wallet])
    new_holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    old_holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    allowances: dict[int, int] = field(default_factory=dict[int, int])


@dataclass(slots=True)
class Books:
    """What is known of a batch's wallets, which are locked; deciding moves it on and notes the changes."""

    wallets: dict[int, Wallet]
    prices: Mapping[str, Price]
    holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])
    quotes: Mapping[UUID, Quote] = field(default_factory=dict[UUID, Quote])
    allowances: dict[int, int] = field(default_factory=dict[int, int])
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
        return [each for each in self.holds.values() if each.wallet_id == wallet.id and each.state == "held"]

    def add_hold(self, hold: Hold) -> None:
        self.holds[hold.key] = self.changes.new_holds[hold.key] = hold

    def end_hold(self, hold: Hold, wallet: Wallet, state: HoldState) -> None:
        """Give back what was set aside; what was settled of it has been debited before."""
        self.hold_back(wallet, -hold.tokens)
        if hold.api_key_id is not None:
            self.use_allowance(hold.api_key_id, (hold.settled_tokens or 0) - hold.tokens)
        hold.state = state
        hold.ended_available = wallet.available
        self.note_hold(hold)

    def note_hold(self, hold: Hold) -> None:
        if hold.key not in self.changes.new_holds:
            self.changes.old_holds[hold.key] = hold

    def add_operation(self, operation: Operation) -> None:
        self.operations[operation.key] = operation
        self.changes.operations.append(operation)

    def hold_back(self, wallet: Wallet, tokens: int) -> None:
        """Set this many tokens aside or, below zero, make them available again."""
        if tokens == 0:
            return
        wallet.held += tokens
        self.changes.wallets[wallet.id] = wallet

    def use_allowance(self, api_key_id: int, tokens: int) -> None:
        used = self.allowances.get(api_key_id, 0) + tokens
        self.allowances[api_key_id] = self.changes.allowances[api_key_id] = used

    def credit(self, wallet: Wallet, house: House, amount: int, why: Why) -> None:
        """Move tokens from the house into the wallet."""
        self._move(wallet, amount)
        self.changes.transfers.append(Transfer(house, wallet.id, amount, wallet.posted, why))

    def debit(self, wallet: Wallet, house: House, amount: int, why: Why) -> None:
        """Move tokens from the wallet to the house."""
        self._move(wallet, -amount)
        self.changes.transfers.append(Transfer(wallet.id, house, amount, wallet.posted, why))

    def _move(self, wallet: Wallet, tokens: int) -> None:
        wallet.posted += tokens
        self.changes.wallets[wallet.id] = wallet
