"""Request and response schemas of groups' budgets."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, field_validator

from billing_service.fields import Body
from billing_service.groups.rules import Source
from billing_service.ledger.limit_rules import describe
from billing_service.ledger.rows import Wallet
from billing_service.statements.schemas import EntryView, WalletView
from kit.fields import RowId

MOST_PERIODS_KEPT = 60


class Payment(Body):
    """The accounts that pay for the group's work, in the order in which they are spent."""

    pays_from: Annotated[list[Source], Field(min_length=1, max_length=3)]

    @field_validator("pays_from")
    @classmethod
    def _named_once(cls, sources: list[Source]) -> list[Source]:
        if len(set(sources)) < len(sources):
            raise ValueError("must name each of them once")
        return sources


class Payer(Body):
    group_id: RowId | None


class PayerView(BaseModel):
    """An account that can pay: `allowance`, `pool` or `own`, the user's wallet."""

    kind: Source
    account: str
    available: int
    held: int
    expires_at: datetime | None

    @classmethod
    def of(cls, payer: Wallet) -> Self:
        return cls.model_validate(describe(payer))


class Funds(BaseModel):
    """The accounts that pay, in the order in which they are spent, and the start of the next allowance."""

    group_id: int | None
    payers: list[PayerView]
    renews_at: datetime | None


class GroupWallet(BaseModel):
    """Tokens of the pool and of open allowances: of all members for staff, else the caller's own.

    `pool` is null for members whose work it does not pay.
    """

    group_id: int
    pays_from: list[Source]
    pool: WalletView | None
    allowances: WalletView


class GroupGrantView(BaseModel):
    group_id: int
    amount: int
    available: int


class GroupEntryView(EntryView):
    """An entry of a group's ledger; `user_id` is the member that it concerns."""

    context: str | None
    user_id: int | None
