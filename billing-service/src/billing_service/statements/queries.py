"""Reads transfers, newest first."""

from collections.abc import Sequence

from sqlalchemy import Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing_service.ledger.models import Account, Entry, Transfer


class HistoryRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_of_account(self, account_id: int, before: int, limit: int) -> Sequence[Transfer]:
        # One index serves each half; an OR over both columns would be served by neither.
        halves = [
            _newest(select(Transfer).where(column == account_id, Transfer.id < before), limit)
            for column in (Transfer.debit_account, Transfer.credit_account)
        ]
        either = aliased(Transfer, union_all(*halves).subquery())
        statement = select(either).order_by(either.id.desc()).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def list_all(self, before: int, limit: int) -> Sequence[Entry]:
        debit, credit = aliased(Account), aliased(Account)
        statement = (
            select(Transfer, debit, credit)
            .join(debit, debit.id == Transfer.debit_account)
            .join(credit, credit.id == Transfer.credit_account)
            .where(Transfer.id < before)
            .order_by(Transfer.id.desc())
            .limit(limit)
        )
        return [Entry(*row) for row in (await self._session.execute(statement)).all()]


def _newest(statement: Select[Transfer], limit: int) -> Select[Transfer]:
    return statement.order_by(Transfer.id.desc()).limit(limit)
