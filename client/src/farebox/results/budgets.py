"""Budgets of groups: payers, the group's wallet and ledger, allowance rules and spending limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from farebox.results.base import Result
from farebox.results.wallet import Entry, Wallet

Source = Literal["allowance", "pool", "own"]


class Payer(Result):
    """An account that can pay; `own` is your wallet."""

    kind: Source
    account: str
    available: int
    held: int
    expires_at: datetime | None


class Funds(Result):
    """The accounts that pay for your work, in the order in which they are spent.

    `group_id` is None if your own wallet pays, and `renews_at` is the start of the next allowance.
    """

    group_id: int | None
    payers: Sequence[Payer]
    renews_at: datetime | None

    @property
    def available(self) -> int:
        return sum(payer.available for payer in self.payers)


class DefaultPayer(Result):
    """The group that pays for requests that name none; None for your own wallet."""

    group_id: int | None


class Payment(Result):
    """The accounts that pay for the work of a group, in the order in which they are spent."""

    pays_from: Sequence[Source]


class GroupWallet(Result):
    """Tokens of the pool and of allowances: of all members for staff, else your own."""

    group_id: int
    pays_from: Sequence[Source]
    pool: Wallet | None
    allowances: Wallet


class GroupGrant(Result):
    """A grant to a pool, and its new available balance."""

    group_id: int
    amount: int
    available: int


class GroupEntry(Entry):
    """A movement of a group's tokens; `user_id` is the member that it concerns."""

    context: str | None
    user_id: int | None


class AllowanceRule(Result):
    """Each member gets `amount` tokens for each period; `short_by` is what the pool lacks for it."""

    id: int
    amount: int
    every: str
    starts_at: datetime
    ends_at: datetime | None
    keeps: int
    stopped: bool
    next_at: datetime | None
    short_by: int


class SpendingLimit(Result):
    """The most that each member, or one, spends in a period; `every` is None for ever."""

    id: int
    amount: int
    every: str | None
    context: str | None
    user_id: int | None
    api_key_id: int | None
    starts_at: datetime
