"""Wallets, ledger rows, receipts, prices and quotes."""

from collections.abc import Sequence
from datetime import datetime

from farebox.results.base import Result


class Wallet(Result):
    """`available` tokens can be spent: `tokens` minus those held for running jobs."""

    tokens: int
    held: int
    available: int


class Movement(Result):
    """The fields of every ledger row."""

    id: int
    created_at: datetime
    kind: str
    amount: int
    balance: int
    action: str | None
    resource: str | None
    price_version: int | None
    receipt_id: str | None
    operation: str
    note: str | None


class Transfer(Movement):
    """A movement of the user's own wallet; `amount` is negative for a debit."""


class Entry(Movement):
    """A movement between two accounts, wallets or system accounts, for administrators."""

    debit: str
    credit: str
    made_by: int | None


class Usage(Result):
    """Tokens spent on one day, action, model or user, less refunds; `group` is None without a model."""

    group: str | None
    requests: int
    tokens: int


class PaidBy(Result):
    """The tokens that one account paid: an `allowance`, a `pool` or an `own` wallet."""

    kind: str
    account: str
    tokens: int


class Receipt(Result):
    """The receipt of a movement: `charge` and `refund` name action and price version, `purchase` the card.

    `group_id` is the group that paid, with the shares of its accounts, or whose pool was credited.
    """

    id: str
    kind: str
    tokens: int
    action: str | None
    units: int | None
    resource: str | None
    price_version: int | None
    card_brand: str | None
    card_last_four: str | None
    created_at: datetime
    group_id: int | None = None
    context: str | None = None
    paid_by: Sequence[PaidBy] = ()


class Purchase(Result):
    """A purchase and the new available balance; of the card only brand and last digits are stored."""

    amount: int
    available: int
    receipt_id: str | None
    card_brand: str
    card_last_four: str


class Grant(Result):
    """A grant to a user, and the user's new available balance."""

    user_id: int
    amount: int
    available: int


class Difference(Result):
    """A stored balance that differs from the sum of transfers and holds."""

    account: int
    owner_id: int | None
    kept_posted: int | None
    derived_posted: int
    kept_held: int | None
    derived_held: int


class GroupSums(Result):
    """The sums of a group: what was granted and purchased is in its accounts, charged to them or closed."""

    group_id: int
    granted: int
    purchased: int
    pool: int
    allowances: int
    charged: int
    closed: int
    balanced: bool


class LedgerCheck(Result):
    """The result of a check: in balanced books `sum` is zero and `differences` is empty."""

    balanced: bool
    sum: int
    wallets: int
    transfers: int
    open_holds: int
    house: dict[str, int]
    charged: int
    settled: int
    receipted: int
    refunded: int
    # Services of an earlier release have no groups.
    incomplete_parts: int = 0
    groups: Sequence[GroupSums] = ()
    differences: list[Difference]


class Price(Result):
    """The price of an action: `tokens` for each started `per_units` units."""

    action: str
    tokens: int
    per_units: int
    version: int
    created_at: datetime

    def cost_of(self, units: int) -> int:
        """The cost of this many units; a started portion costs as much as a full one."""
        return self.tokens * -(-units // self.per_units)


class Purchasing(Result):
    """How tokens can be bought: `simulated`, so that no card is charged, or `off`."""

    # A service of an earlier release does not say.
    purchases: str = "simulated"


class Quote(Result):
    """The cost of an action, guaranteed until the quote expires."""

    id: str
    action: str
    units: int
    tokens: int
    price_version: int
    expires_at: datetime
