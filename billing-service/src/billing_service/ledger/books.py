"""Books: the rows that a batch of commands may change, read under lock, decided on and written back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from billing_service.errors import WalletNotFound
from billing_service.ledger.rows import (
    Allowance,
    FirstAnswer,
    Hold,
    HoldState,
    House,
    Issue,
    Limit,
    Part,
    Pool,
    Quote,
    Receipt,
    Spender,
    Transfer,
    TransferDetails,
    Wallet,
    total_of,
)
from billing_service.prices.rules import Price

# A user in a period of a limit.
LimitPeriod = tuple[int, int, int]


class Payment(NamedTuple):
    """Tokens that one account pays, or gets back."""

    account: Wallet
    tokens: int


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
    new_allowances: list[Allowance] = field(default_factory=list[Allowance])
    ended: dict[int, Pool] = field(default_factory=dict[int, Pool])
    receipt_parts: list[tuple[UUID, int, int, int]] = field(default_factory=list[tuple[UUID, int, int, int]])
    limit_usage: dict[LimitPeriod, int] = field(default_factory=dict[LimitPeriod, int])


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
    # The group that pays for work of a user whose request names none.
    default_groups: Mapping[int, int] = field(default_factory=dict[int, int])
    spenders: dict[tuple[int, int], Spender] = field(default_factory=dict[tuple[int, int], Spender])
    receipt_parts: dict[UUID, list[Part]] = field(default_factory=dict[UUID, list[Part]])
    limits: dict[int, list[Limit]] = field(default_factory=dict[int, list[Limit]])
    limit_usage: dict[LimitPeriod, int] = field(default_factory=dict[LimitPeriod, int])
    issues: dict[tuple[int, int], Issue] = field(default_factory=dict[tuple[int, int], Issue])
    _by_owner: dict[int, Wallet] = field(init=False)
    _pools: dict[int, Pool] = field(init=False, default_factory=dict[int, Pool])
    _allowances: dict[tuple[int, int], list[Allowance]] = field(
        init=False, default_factory=dict[tuple[int, int], list[Allowance]]
    )

    def __post_init__(self) -> None:
        # The funds of groups are few; most batches have none.
        funds = [wallet for wallet in self.wallets.values() if isinstance(wallet, Pool)]
        wallets = self.wallets.values()
        if funds:
            wallets = [wallet for wallet in wallets if not isinstance(wallet, Pool)]
        self._by_owner = {wallet.owner_id: wallet for wallet in wallets}
        for fund in funds:
            if isinstance(fund, Allowance):
                self._allowances.setdefault((fund.group_id, fund.owner_id), []).append(fund)
            else:
                self._pools[fund.group_id] = fund

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

    def pool_of(self, group_id: int) -> Pool | None:
        return self._pools.get(group_id)

    def allowances_of(self, group_id: int, user_id: int) -> Sequence[Allowance]:
        """The locked allowances of a member."""
        return self._allowances.get((group_id, user_id), ())

    def accounts_of_hold(self, hold: Hold) -> Sequence[Wallet] | None:
        """The account of each part, as below; the wallet of a hold that no group pays."""
        if hold.wallet_id is None:
            return self.accounts_of(hold.parts)
        wallet = self.wallets.get(hold.wallet_id)
        return None if wallet is None else (wallet,)

    def accounts_of(self, parts: Sequence[Part]) -> list[Wallet] | None:
        """The account of each part; None if the batch has not locked all of them."""
        accounts = [self.wallets[part.account_id] for part in parts if part.account_id in self.wallets]
        return accounts if len(accounts) == len(parts) else None

    def end_hold(self, hold: Hold, accounts: Sequence[Wallet], state: HoldState) -> None:
        """Make the held tokens available again; a settlement has debited its tokens before."""
        if hold.wallet_id is not None:
            self.change_held(accounts[0], -hold.tokens)
        for account, part in zip(accounts, hold.parts, strict=False):
            self.change_held(account, -part.tokens)
        if hold.api_key_id is not None:
            self.add_key_usage(hold.api_key_id, (hold.settled_tokens or 0) - hold.tokens)
        hold.state = state
        hold.ended_available = total_of(accounts)
        self.record_change(hold)

    def record_change(self, hold: Hold) -> None:
        if hold.key not in self.changes.new_holds:
            self.changes.old_holds[hold.key] = hold

    def add_first_answer(self, answer: FirstAnswer) -> None:
        self.first_answers[answer.key] = answer
        self.changes.first_answers.append(answer)

    def add_receipt(self, receipt: Receipt, payments: Sequence[Payment]) -> None:
        """Add a receipt; one of a group records what each account paid or got back."""
        self.receipts[receipt.id] = receipt
        self.changes.receipts.append(receipt)
        if receipt.group_id is not None:
            self.receipt_parts[receipt.id] = [Part(account.id, tokens) for account, tokens in payments]
            self.changes.receipt_parts += [
                (receipt.id, position, account.id, tokens)
                for position, (account, tokens) in enumerate(payments)
                if tokens > 0
            ]

    def change_held(self, wallet: Wallet, tokens: int) -> None:
        """Hold this many tokens; a negative number makes tokens available again."""
        if tokens == 0:
            return
        wallet.held += tokens
        self.changes.wallets[wallet.id] = wallet

    def add_key_usage(self, api_key_id: int, tokens: int) -> None:
        used = self.key_usage.get(api_key_id, 0) + tokens
        self.key_usage[api_key_id] = self.changes.key_usage[api_key_id] = used

    def add_limit_usage(self, period: LimitPeriod, tokens: int) -> None:
        used = max(self.limit_usage.get(period, 0) + tokens, 0)
        self.limit_usage[period] = self.changes.limit_usage[period] = used

    def credit(self, wallet: Wallet, house: House, amount: int, details: TransferDetails) -> None:
        """Transfer tokens from a system account to the wallet."""
        self._move(wallet, amount)
        self._record(Transfer(house, wallet.id, amount, wallet.posted, details), wallet)

    def debit(self, wallet: Wallet, house: House, amount: int, details: TransferDetails) -> None:
        """Transfer tokens from the wallet to a system account."""
        self._move(wallet, -amount)
        self._record(Transfer(wallet.id, house, amount, wallet.posted, details), wallet)

    def add_allowance(self, allowance: Allowance) -> None:
        """Insert an allowance with its balance, which needs no update then."""
        self.changes.new_allowances.append(allowance)
        self.changes.wallets.pop(allowance.id, None)

    def transfer(self, allowance: Allowance, pool: Pool, amount: int, details: TransferDetails) -> None:
        """Transfer tokens from an allowance to its pool; a negative amount from the pool to the allowance."""
        debited, credited = (allowance, pool) if amount > 0 else (pool, allowance)
        self._move(debited, -abs(amount))
        self._move(credited, abs(amount))
        moved = Transfer(debited.id, credited.id, abs(amount), debited.posted, details, credited.posted)
        self._record(moved, allowance)

    def _record(self, transfer: Transfer, of: Wallet) -> None:
        if isinstance(of, Pool):
            transfer = transfer._replace(group_id=of.group_id)
        self.changes.transfers.append(transfer)

    def _move(self, wallet: Wallet, tokens: int) -> None:
        wallet.posted += tokens
        self.changes.wallets[wallet.id] = wallet
