"""A ledger of groups in plain Python: what pools, allowances and wallets must hold after any operations."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class PlainAccount:
    """Tokens of a wallet, a pool or an allowance; `ends_at` is the end of an allowance."""

    tokens: int = 0
    held: int = 0
    ends_at: datetime | None = None
    is_closed: bool = False

    @property
    def available(self) -> int:
        return self.tokens - self.held

    def has_ended(self, now: datetime) -> bool:
        return self.is_closed or (self.ends_at is not None and self.ends_at <= now)


@dataclass
class PlainHold:
    user: int
    parts: list[tuple[PlainAccount, int]]
    state: str = "held"
    paid: list[tuple[PlainAccount, int]] = field(default_factory=list[tuple[PlainAccount, int]])


class PlainLedger:
    """One group with a pool, wallets and allowances by member and period."""

    def __init__(self, wallets: dict[int, int]) -> None:
        self.wallets = {user: PlainAccount(tokens) for user, tokens in wallets.items()}
        self.pool = PlainAccount()
        self.allowances: dict[tuple[int, int], PlainAccount] = {}
        self.holds: dict[str, PlainHold] = {}
        self.granted = self.charged = 0

    def grant(self, tokens: int) -> None:
        self.pool.tokens += tokens
        self.granted += tokens

    def issue(self, users: list[int], period: int, amount: int, ends_at: datetime) -> bool:
        """To all users without an allowance for the period, or to none."""
        missing = [user for user in users if (user, period) not in self.allowances]
        if amount * len(missing) > self.pool.available:
            return False
        for user in missing:
            self.pool.tokens -= amount
            self.allowances[user, period] = PlainAccount(amount, ends_at=ends_at)
        return True

    def expire(self, user: int, period: int, now: datetime) -> None:
        if (allowance := self.allowances.get((user, period))) is not None and allowance.has_ended(now):
            self._return(allowance)

    def leave(self, user: int, now: datetime) -> None:
        for (member, _), allowance in self.allowances.items():
            if member == user and not allowance.is_closed:
                allowance.ends_at = min(allowance.ends_at or now, now)
                self._return(allowance)

    def hold(self, key: str, user: int, tokens: int, sources: list[str], now: datetime) -> bool:
        payers = self._payers(user, sources, now)
        if sum(payer.available for payer in payers) < tokens:
            return False
        parts: list[tuple[PlainAccount, int]] = []
        for payer in payers:
            share = min(tokens, payer.available)
            payer.held += share
            tokens -= share
            if share > 0:
                parts.append((payer, share))
        self.holds[key] = PlainHold(user, parts)
        return True

    def end(self, key: str, tokens: int, state: str, now: datetime) -> None:
        """End a hold: settle it with so many tokens, or with none."""
        hold = self.holds[key]
        for account, share in hold.parts:
            paid = min(tokens, share)
            tokens -= paid
            account.held -= share
            self._pay(account, paid)
            hold.paid.append((account, paid))
        hold.state = state
        for account, _ in hold.parts:
            if account.has_ended(now):
                self._return(account)

    def refund(self, key: str, now: datetime) -> None:
        hold = self.holds[key]
        hold.state = "refunded"
        for account, paid in hold.paid:
            self._pay(self.pool if account.has_ended(now) else account, -paid)

    def _pay(self, account: PlainAccount, tokens: int) -> None:
        account.tokens -= tokens
        if not any(account is wallet for wallet in self.wallets.values()):
            self.charged += tokens

    def _return(self, allowance: PlainAccount) -> None:
        self.pool.tokens += allowance.available
        allowance.tokens = allowance.held
        allowance.is_closed = allowance.held == 0

    def _payers(self, user: int, sources: list[str], now: datetime) -> list[PlainAccount]:
        own = [each for (member, _), each in sorted(self.allowances.items()) if member == user]
        live = [each for each in own if not each.has_ended(now)]
        named = {
            "allowance": sorted(live, key=lambda each: each.ends_at or now),
            "pool": [self.pool],
            "own": [self.wallets[user]],
        }
        return [account for source in sources for account in named[source]]
