"""Payers of receipts: the accounts that paid a charge, or got the tokens of a refund back."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.models import Account, Receipt
from billing_service.statements.queries import list_receipt_parts
from billing_service.statements.schemas import PaidBy, ReceiptView, name_of


async def view_receipts(session: AsyncSession, receipts: Sequence[Receipt]) -> Sequence[ReceiptView]:
    """The receipts with their payers; only those of groups have parts."""
    parts: dict[UUID, list[PaidBy]] = {}
    of_groups = [receipt.id for receipt in receipts if receipt.group_id is not None]
    if of_groups:
        for part, account in await list_receipt_parts(session, of_groups):
            parts.setdefault(part.receipt_id, []).append(_paid_by(account, part.tokens))
    return [ReceiptView.of(receipt, _payers_of(receipt, parts)) for receipt in receipts]


def _payers_of(receipt: Receipt, parts: dict[UUID, list[PaidBy]]) -> list[PaidBy]:
    if receipt.kind == "purchase":
        return []
    if receipt.group_id is not None:
        return parts.get(receipt.id, [])
    own = PaidBy(kind="own", account=f"wallet:{receipt.owner_id}", tokens=receipt.tokens)
    return [own] if receipt.tokens > 0 else []


def _paid_by(account: Account, tokens: int) -> PaidBy:
    kind = "own" if account.kind == "wallet" else account.kind
    return PaidBy(kind=kind, account=name_of(account), tokens=tokens)
