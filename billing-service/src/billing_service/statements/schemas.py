"""Response schemas of statements: wallets, transfers, receipts and usage."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from billing_service.models import Account, Receipt, Transfer


class WalletView(BaseModel):
    """The tokens of a wallet; `available` are all `tokens` less those held for work in progress."""

    tokens: int
    held: int
    available: int

    @classmethod
    def of(cls, wallet: Account) -> "WalletView":
        return cls(tokens=wallet.posted, held=wallet.held, available=wallet.posted - wallet.held)


class TransferView(BaseModel):
    """A transfer of one wallet: `amount` is negative for a debit, `balance` is the balance afterwards."""

    id: int
    created_at: datetime
    kind: str
    amount: int
    balance: int
    action: str | None
    resource: str | None
    price_version: int | None
    receipt_id: UUID | None
    operation: str
    note: str | None

    @classmethod
    def of(cls, transfer: Transfer, account_id: int) -> "TransferView":
        amount = transfer.amount if transfer.credit_account == account_id else -transfer.amount
        return cls(
            id=transfer.id,
            created_at=transfer.created_at,
            kind=transfer.kind,
            amount=amount,
            balance=transfer.balance_after,
            action=transfer.action,
            resource=transfer.resource,
            price_version=transfer.price_version,
            receipt_id=transfer.receipt_id,
            operation=transfer.key,
            note=transfer.note,
        )

    @classmethod
    def seen_from(cls, account_id: int) -> Callable[[Transfer], "TransferView"]:
        return lambda transfer: cls.of(transfer, account_id)


class EntryView(BaseModel):
    """A transfer between two accounts: `wallet:<user id>`, `pool:<group id>`, `allowance:<account id>`, or a
    system account by its name. `balance` is that of the account of a user or group; of two, the debited one.
    """

    id: int
    created_at: datetime
    kind: str
    debit: str
    credit: str
    amount: int
    balance: int
    action: str | None
    resource: str | None
    price_version: int | None
    receipt_id: UUID | None
    operation: str
    note: str | None
    made_by: int | None

    @classmethod
    def of(cls, transfer: Transfer, debit: Account, credit: Account) -> "EntryView":
        view = TransferView.of(transfer, transfer.credit_account).model_dump()
        return cls(**view, debit=name_of(debit), credit=name_of(credit), made_by=transfer.made_by)


class PaidBy(BaseModel):
    """Tokens that an account paid, or got back: an `allowance`, a `pool` or the user's `own` wallet."""

    kind: str
    account: str
    tokens: int


class ReceiptView(BaseModel):
    """A `charge` and its `refund` have the action and its price version, a `purchase` the card's brand and
    last four digits. `group_id` is the group that paid, or whose pool was credited.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    tokens: int
    action: str | None
    units: int | None
    resource: str | None
    price_version: int | None
    card_brand: str | None
    card_last_four: str | None
    created_at: datetime
    group_id: int | None
    context: str | None
    paid_by: list[PaidBy] = []

    @classmethod
    def of(cls, receipt: Receipt, paid_by: list[PaidBy]) -> "ReceiptView":
        view = cls.model_validate(receipt)
        view.paid_by = paid_by
        return view


class UsageView(BaseModel):
    """Charges less refunds of one `group`: a day, an action, a model or a user id; null without a model."""

    model_config = ConfigDict(from_attributes=True)

    group: str | None
    requests: int
    tokens: int


class UsageReport(BaseModel):
    items: list[UsageView]
    next_page_token: None = None


class Export(BaseModel):
    wallet: WalletView
    ledger: list[TransferView]
    receipts: list[ReceiptView]


def name_of(account: Account) -> str:
    """`wallet:<user id>`, `pool:<group id>`, `allowance:<account id>`, or the name of a system account."""
    match account.kind:
        case "pool":
            return f"pool:{account.group_id}"
        case "allowance":
            return f"allowance:{account.id}"
        case _:
            return account.house or f"wallet:{account.owner_id}"
