"""Fake of the billing port in memory: charges, refunds, holds, settlements, releases and expiry by key."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from kit.deadlines import require_time_left
from kit.identity import UserId
from ml_service.billing.port import (
    GROUP_ARCHIVED,
    GROUP_NOT_FOUND,
    NOT_ENOUGH_TOKENS,
    QUOTE_EXPIRED,
    QUOTE_NOT_FOUND,
    SPENDING_LIMIT_REACHED,
    TOKEN_CAP_REACHED,
    WALLET_NOT_FOUND,
    Action,
    BillingRefusal,
    Charge,
    ChargeKey,
    ChargeRefunded,
    Hold,
    HoldEnded,
    HoldNotFound,
    Price,
    Receipt,
)
from ml_service.errors import BillingUnavailable
from tests.support.memory_wallets import GroupFunds, Wallet

PRICES: dict[Action, Price] = {
    "train": Price(1, 1),
    "predict": Price(5, 1),
    "batch": Price(5, 1000),
    "metadata": Price(0, 1),
    "score": Price(1, 1),
}


@dataclass(frozen=True)
class Quote:
    user_id: int
    price: Price
    expired: bool = False


@dataclass
class Entry:
    charge: Charge
    tokens: int
    available: int
    expires_at: float
    state: Literal["held", "settled", "released", "charged", "refunded"] = "held"
    receipt: Receipt | None = None
    paid_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class MemoryBilling:
    wallets: dict[UserId, Wallet] = field(default_factory=dict)
    entries: dict[ChargeKey, Entry] = field(default_factory=dict)
    current_prices: dict[Action, Price] = field(default_factory=lambda: dict(PRICES))
    quotes: dict[str, Quote] = field(default_factory=dict)
    groups: dict[int, GroupFunds] = field(default_factory=dict)
    # Keys that were refunded before their charge or hold arrived.
    void: set[ChargeKey] = field(default_factory=set[ChargeKey])
    void_holds: set[ChargeKey] = field(default_factory=set[ChargeKey])
    unavailable: bool = False
    calls: list[str] = field(default_factory=list)
    receipts: "count[int]" = field(default_factory=lambda: count(1))

    def grant(self, user_id: int, tokens: int) -> None:
        self.wallets.setdefault(UserId(user_id), Wallet(0)).posted += tokens

    def fund(self, group_id: int, tokens: int, *members: int, limit: int | None = None) -> None:
        """Let a group with these members have a pool of so many tokens."""
        self.groups[group_id] = GroupFunds({UserId(each) for each in members}, Wallet(tokens), limit)

    def spent_in(self, context: str, user_id: int) -> int:
        """The tokens that a user has held or paid in a context."""
        return self._spent(lambda each: (each.context, each.user_id) == (context, user_id))

    def balance(self, user_id: int) -> int:
        return self.wallets[UserId(user_id)].posted

    def held(self, user_id: int) -> int:
        self._expire()
        return self.wallets[UserId(user_id)].held

    def expire_all(self) -> None:
        """Expire every hold, as if its time to live had passed."""
        for entry in self.entries.values():
            entry.expires_at = 0
        self._expire()

    async def charge(self, charge: Charge) -> Receipt:
        self._record_call("charge")
        entry = self.entries.get(charge.key)
        if charge.key in self.void or (entry is not None and entry.state == "refunded"):
            raise ChargeRefunded(409, "charge_refunded", "This charge was refunded.")
        if entry is not None and entry.receipt is not None:
            return replace(entry.receipt, replayed=True)
        require_time_left()
        wallet, tokens = self._check(charge)
        wallet.posted -= tokens
        receipt = Receipt(str(next(self.receipts)), tokens, wallet.available)
        self.entries[charge.key] = Entry(charge, tokens, wallet.available, 0, "charged", receipt)
        return receipt

    async def refund(self, key: ChargeKey, user_id: UserId) -> None:
        self._record_call("refund")
        self._wallet(user_id)
        entry = self.entries.get(key)
        if entry is None:
            self.void.add(key)
        elif entry.state == "charged":
            self._payer(entry.charge).posted += entry.tokens
            entry.state = "refunded"

    async def refund_hold(self, key: ChargeKey, user_id: UserId) -> None:
        self._record_call("refund_hold")
        self._wallet(user_id)
        entry = self.entries.get(key)
        if entry is None:
            self.void_holds.add(key)
        elif entry.state == "held":
            self._release(entry)
        elif entry.state == "settled":
            self._payer(entry.charge).posted += entry.receipt.tokens if entry.receipt else 0
            entry.state = "refunded"

    async def hold(self, charge: Charge, ttl_seconds: int, *, limited: bool = False) -> Hold:
        self._record_call("hold")
        existing = self.entries.get(charge.key)
        if existing is not None and existing.state == "held":
            return Hold(charge.key, existing.tokens, existing.available)
        if existing is not None or charge.key in self.void_holds:
            raise self._ended(charge.key)
        if limited:
            require_time_left()
        wallet, tokens = self._check(charge)
        wallet.held += tokens
        expires_at = time.monotonic() + ttl_seconds
        self.entries[charge.key] = Entry(charge, tokens, wallet.available, expires_at)
        return Hold(charge.key, tokens, wallet.available)

    async def settle(self, hold: ChargeKey, tokens: int | None = None) -> Receipt:
        self._record_call("settle")
        entry = self._entry(hold)
        if entry.state == "settled" and entry.receipt is not None:
            return entry.receipt
        if entry.state != "held":
            raise self._ended(hold)
        wallet = self._payer(entry.charge)
        cost = entry.tokens if tokens is None else tokens
        assert 0 <= cost <= entry.tokens
        wallet.held -= entry.tokens
        wallet.posted -= cost
        entry.state = "settled"
        entry.receipt = Receipt(str(next(self.receipts)), cost, wallet.available)
        return entry.receipt

    async def release(self, hold: ChargeKey) -> None:
        self._record_call("release")
        entry = self.entries.get(hold)
        if entry is not None and entry.state == "held":
            self._release(entry)

    async def extend(self, hold: ChargeKey, ttl_seconds: int) -> None:
        self._record_call("extend")
        entry = self._entry(hold)
        if entry.state != "held":
            raise self._ended(hold)
        entry.expires_at = time.monotonic() + ttl_seconds

    async def usage(self, group_id: int, context: str, until: datetime) -> Mapping[UserId, int]:
        self._record_call("usage")
        used = Counter[UserId]()
        for entry in self.entries.values():
            is_meant = (entry.charge.group_id, entry.charge.context) == (group_id, context)
            if is_meant and entry.receipt is not None and entry.state != "refunded" and entry.paid_at < until:
                used[entry.charge.user_id] += entry.receipt.tokens
        return used

    async def prices(self) -> Mapping[Action, Price]:
        self._record_call("prices")
        return self.current_prices

    def _check(self, charge: Charge) -> tuple[Wallet, int]:
        """The wallet and the price; raises a refusal if the wallet cannot pay it."""
        wallet = self._payer_now(charge)
        price = self._price_for(charge)
        tokens = price.tokens * -(-charge.units // price.per_units)
        self._check_cap(charge, tokens)
        kind, account = ("own", f"wallet:{charge.user_id}")
        if charge.group_id is not None:
            kind, account = ("pool", f"pool:{charge.group_id}")
        payers: dict[str, object] = {"payers": [wallet.describe(kind, account)], "limit": None}
        self._check_limit(charge, tokens, payers)
        if wallet.available < tokens:
            detail = f"This costs {tokens} tokens and {wallet.available} are available."
            sizes = {"required": tokens, "available": wallet.available}
            raise BillingRefusal(*NOT_ENOUGH_TOKENS, detail, **sizes, **payers)
        return wallet, tokens

    def _payer_now(self, charge: Charge) -> Wallet:
        """The wallet that pays; refuses groups of others and archived ones."""
        self._wallet(charge.user_id)
        if charge.group_id is None:
            return self._payer(charge)
        group = self.groups.get(charge.group_id)
        if group is None or charge.user_id not in group.members:
            raise BillingRefusal(*GROUP_NOT_FOUND, "You are in no group with this id.")
        if group.archived:
            raise BillingRefusal(*GROUP_ARCHIVED, "The group is archived.")
        return group.pool

    def _payer(self, charge: Charge) -> Wallet:
        if charge.group_id is None:
            return self._wallet(charge.user_id)
        return self.groups[charge.group_id].pool

    def _check_limit(self, charge: Charge, tokens: int, payers: dict[str, object]) -> None:
        limit = None if charge.group_id is None else self.groups[charge.group_id].limit
        if limit is None or charge.context is None:
            return
        used = self.spent_in(charge.context, charge.user_id)
        if used + tokens > limit:
            bound = {"scope": "context", "amount": limit, "used": used, "resets_at": None}
            detail = f"This costs {tokens} tokens and {limit - used} are left of your limit."
            sizes = {"required": tokens, "available": limit - used}
            raise BillingRefusal(*SPENDING_LIMIT_REACHED, detail, **sizes, **payers | {"limit": bound})

    def _price_for(self, charge: Charge) -> Price:
        if charge.quote_id is None:
            return self.current_prices[charge.action]
        quote = self.quotes.get(charge.quote_id)
        if quote is None or quote.user_id != charge.user_id:
            raise BillingRefusal(*QUOTE_NOT_FOUND, "You have no such quote.")
        if quote.expired:
            raise BillingRefusal(*QUOTE_EXPIRED, "This quote has expired.")
        return quote.price

    def _record_call(self, name: str) -> None:
        if self.unavailable:
            raise BillingUnavailable
        self.calls.append(name)
        self._expire()

    def _expire(self) -> None:
        for entry in self.entries.values():
            if entry.state == "held" and entry.expires_at <= time.monotonic():
                self._release(entry)

    def _release(self, entry: Entry) -> None:
        self._payer(entry.charge).held -= entry.tokens
        entry.state = "released"

    def _wallet(self, user_id: UserId) -> Wallet:
        if user_id not in self.wallets:
            raise BillingRefusal(*WALLET_NOT_FOUND, "There is no open wallet for this user.")
        return self.wallets[user_id]

    def _entry(self, hold: ChargeKey) -> Entry:
        if hold in self.void_holds:
            raise self._ended(hold)
        if hold not in self.entries:
            raise HoldNotFound(404, "hold_not_found", "There is no such hold.")
        return self.entries[hold]

    def _ended(self, hold: ChargeKey) -> HoldEnded:
        entry = self.entries.get(hold)
        state = entry.state if entry is not None else "released"
        return HoldEnded(409, "hold_ended", f"This hold has already been {state}.", state=state)

    def _check_cap(self, charge: Charge, tokens: int) -> None:
        key = charge.api_key
        if key is None or key.usage_cap is None:
            return
        left = key.usage_cap - self._spent(lambda e: e.api_key is not None and e.api_key.id == key.id)
        if tokens > left:
            detail = f"This costs {tokens} tokens and {left} are left under the API key's cap."
            raise BillingRefusal(*TOKEN_CAP_REACHED, detail, required=tokens, available=left)

    def _spent(self, counts: Callable[[Charge], bool]) -> int:
        live = (each for each in self.entries.values() if each.state not in ("released", "refunded"))
        return sum(e.receipt.tokens if e.receipt else e.tokens for e in live if counts(e.charge))
