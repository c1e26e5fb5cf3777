"""The wallet: what is in it, what went in and out, and why."""

from datetime import datetime

from farebox.results.base import Result


class Wallet(Result):
    """`available` is what can be spent: `tokens` less those held for work that is under way."""

    tokens: int
    held: int
    available: int


class Movement(Result):
    """What every row of a ledger tells."""

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
    """A movement of one's own wallet: `amount` is below zero when tokens left it."""


class Entry(Movement):
    """A movement between two accounts, as administrators see it: wallets and the house's accounts."""

    debit: str
    credit: str
    made_by: int | None


class Usage(Result):
    """Tokens spent on one day, action, model or user; null stands for work that was for no model."""

    group: str | None
    requests: int
    tokens: int


class Receipt(Result):
    """Why tokens moved: a `charge` names the work and its price's version, a `purchase` the card."""

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


class Purchase(Result):
    """Tokens bought, and what can be spent now; of the card only its brand and last digits are kept."""

    amount: int
    available: int
    receipt_id: str | None
    card_brand: str
    card_last_four: str


class Grant(Result):
    """Tokens given to a user, and what the user can spend now."""

    user_id: int
    amount: int
    available: int


class Difference(Result):
    """A balance that is not what transfers and holds add up to."""

    account: int
    owner_id: int | None
    kept_posted: int | None
    derived_posted: int
    kept_held: int | None
    derived_held: int


class LedgerCheck(Result):
    """In balanced books the `sum` of all accounts is zero and there are no `differences`."""

    balanced: bool
    sum: int
    wallets: int
    transfers: int
    open_holds: int
    house: dict[str, int]
    charged: int
    settled: int
    receipted: int
    differences: list[Difference]
