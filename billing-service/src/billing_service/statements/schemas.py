"""The ledger on the wire."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from billing_service.ledger.models import Account, Entry, Transfer


class TransferView(BaseModel):
    """One movement of one wallet: `amount` is below zero when tokens left it, `balance` what it had then."""

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
            operation=transfer.operation,
            note=transfer.note,
        )

    @classmethod
    def seen_from(cls, account_id: int) -> Callable[[Transfer], "TransferView"]:
        return lambda transfer: cls.of(transfer, account_id)


class EntryView(BaseModel):
    """One movement between two accounts: `wallet:<user id>`, or one of the house's."""

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
    def of(cls, entry: Entry) -> "EntryView":
        transfer = entry.transfer
        seen = TransferView.of(transfer, transfer.credit_account).model_dump()
        debit, credit = _name_of(entry.debit), _name_of(entry.credit)
        return cls(**seen, debit=debit, credit=credit, made_by=transfer.made_by)


def _name_of(account: Account) -> str:
    return account.house or f"wallet:{account.owner_id}"
