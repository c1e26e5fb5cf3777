"""20,000 random operations on a group's budget, against a ledger in plain Python."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from tests.support.billing_books import NOW
from tests.support.group_ledger import PlainAccount, PlainLedger

from billing_service.ledger.books import Books
from billing_service.ledger.commands import (
    Command,
    Held,
    Issued,
    Outcome,
    PlaceHold,
    RefundHold,
    ReleaseHold,
    SettleHold,
)
from billing_service.ledger.group_commands import (
    ExpireAllowance,
    GrantToPool,
    IssueAllowances,
    ReturnAllowances,
)
from billing_service.ledger.rows import Allowance, Issue, MissingAllowance, Pool, Spender, Wallet
from billing_service.ledger.rules import decide_all
from billing_service.prices.rules import Price
from kit.identity import UserId

OPERATIONS = 20_000
GROUP, POOL, RULE = 12, 2000, 3
USERS = (7, 8, 9)
START = dict.fromkeys(USERS, 100)
SOURCES = (["allowance"], ["pool"], ["allowance", "pool"], ["pool", "own"], ["allowance", "pool", "own"])


class Comparison:
    """The rules of the ledger on books in memory, and the plain ledger, through the same operations."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test's input
        self.now: datetime = NOW
        self.sources = ["allowance", "pool"]
        self.plain = PlainLedger(START)
        self.accounts: dict[int, Wallet] = {user: Wallet(user, user, 100, 0) for user in USERS}
        self.accounts[POOL] = Pool(POOL, 0, 0, 0, group_id=GROUP)
        self.books = self._books()
        self.amount = 0
        self.keys: list[str] = []
        self.moved = 0

    def step(self, number: int) -> None:
        """One random operation; both ledgers must decide alike and agree afterwards."""
        self.now += timedelta(minutes=self.random.randrange(120))
        if self.random.random() < 0.02:
            self.sources = self.random.choice(SOURCES)
            self.books = self._books()
        operations = [
            self._grant,
            self._issue,
            self._expire,
            self._leave,
            self._hold,
            self._end,
            self._refund,
        ]
        (operation,) = self.random.choices(operations, [3, 3, 10, 1, 50, 40, 10])
        operation(number)
        self._compare()

    def _grant(self, number: int) -> None:
        tokens = self.random.randrange(1, 60)
        self._decide(GrantToPool(GROUP, f"grant:{number}", tokens, "why", UserId(1)))
        self.plain.grant(tokens)

    def _issue(self, _number: int) -> None:
        period = (self.now - NOW).days
        ends_at = NOW + timedelta(days=period + self.random.choice([1, 2]))
        amount = self.random.randrange(1, 9)
        taken = {(each.owner_id, each.period) for each in self._allowances()}
        missing = [user for user in USERS if (user, period) not in taken]
        rows = [MissingAllowance(user, 3000 + len(taken) + n) for n, user in enumerate(missing)]
        self.books.issues[RULE, period] = Issue(GROUP, amount, rows)
        issued = self._decide(IssueAllowances(GROUP, RULE, period, ends_at, ends_at))
        assert isinstance(issued, Issued)
        assert self.plain.issue(list(USERS), period, amount, ends_at) is (issued.needed == 0)
        for allowance in self.books.changes.new_allowances:
            self.accounts[allowance.id] = allowance
        self.books = self._books()

    def _expire(self, _number: int) -> None:
        for allowance in self._allowances():
            self._decide(ExpireAllowance(allowance.id, GROUP))
            self.plain.expire(allowance.owner_id, allowance.period, self.now)

    def _leave(self, _number: int) -> None:
        user = self.random.choice(USERS)
        self._decide(ReturnAllowances(GROUP, UserId(user)))
        self.plain.leave(user, self.now)

    def _hold(self, number: int) -> None:
        user, units, key = self.random.choice(USERS), self.random.randrange(12), f"hold:{number}"
        placed = self._decide(
            PlaceHold(UserId(user), key, "predict", units, ttl_seconds=60, group_id=GROUP, context="x")
        )
        is_held = self.plain.hold(key, user, units, self.sources, self.now)
        assert is_held is isinstance(placed, Held)
        if is_held:
            self.keys.append(key)

    def _end(self, _number: int) -> None:
        if (key := self._pick("held")) is None:
            return
        hold = self.books.holds[key]
        if self.random.random() < 0.3:
            self._decide(ReleaseHold(key))
            self.plain.end(key, 0, "released", self.now)
            return
        tokens = self.random.randint(0, hold.tokens)
        self._decide(SettleHold(key, tokens))
        self.plain.end(key, tokens, "settled", self.now)

    def _refund(self, _number: int) -> None:
        if (key := self._pick("settled")) is not None:
            self._decide(RefundHold(key, UserId(self.plain.holds[key].user)))
            self.plain.refund(key, self.now)

    def _pick(self, state: str) -> str | None:
        keys = [key for key in self.keys[-60:] if self.plain.holds[key].state == state]
        return self.random.choice(keys) if keys else None

    def _decide(self, command: Command) -> Outcome:
        (outcome,) = decide_all([command], self.books, self.now)
        return outcome

    def _allowances(self) -> Sequence[Allowance]:
        return [each for each in self.accounts.values() if isinstance(each, Allowance)]

    def _books(self) -> Books:
        """Books with all accounts, and what earlier ones have read or written."""
        books = Books(self.accounts, {"predict": Price("predict", 1, 1, 1)})
        if hasattr(self, "books"):
            books.holds, books.first_answers = self.books.holds, self.books.first_answers
            books.receipts, books.receipt_parts = self.books.receipts, self.books.receipt_parts
        for user in USERS:
            books.spenders[GROUP, user] = Spender(
                GROUP, user, "active", "active", self.sources, has_limits=False
            )
        return books

    def _compare(self) -> None:
        assert _balance(self.accounts[POOL]) == _plain(self.plain.pool)
        for user, wallet in self.plain.wallets.items():
            assert _balance(self.accounts[user]) == _plain(wallet)
        for allowance in self._allowances():
            plain = self.plain.allowances[allowance.owner_id, allowance.period]
            assert _balance(allowance) == _plain(plain)
            assert (allowance.closed_at is not None) is plain.is_closed
        funds = self.accounts[POOL].posted + sum(each.posted for each in self._allowances())
        assert self.plain.granted == funds + self.plain.charged


def _balance(account: Wallet) -> tuple[int, int]:
    assert account.available >= 0
    assert account.held >= 0
    return account.posted, account.held


def _plain(account: PlainAccount) -> tuple[int, int]:
    return account.tokens, account.held


@pytest.mark.parametrize("seed", range(4))
def test_random_operations_agree_with_the_plain_ledger(seed: int) -> None:
    comparison = Comparison(seed)
    for number in range(OPERATIONS // 4):
        comparison.step(number)
    states = {hold.state for hold in comparison.plain.holds.values()}
    assert states == {"held", "settled", "released", "refunded"}
    assert len(comparison.plain.allowances) > 100


@pytest.mark.parametrize("seed", range(4))
def test_parts_of_holds_and_receipts_add_up(seed: int) -> None:
    comparison = Comparison(100 + seed)
    for number in range(1_000):
        comparison.step(number)
    for hold in comparison.books.holds.values():
        assert sum(part.tokens for part in hold.parts) == hold.tokens
        assert sum(part.settled_tokens or 0 for part in hold.parts) == (hold.settled_tokens or 0)
    for receipt in comparison.books.receipts.values():
        parts = comparison.books.receipt_parts[receipt.id]
        assert sum(part.tokens for part in parts) == receipt.tokens
