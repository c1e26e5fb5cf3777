"""Queries of wallets, transfers, receipts and usage, which only the ledger writes; turns of costly ones."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from billing_service.errors import WalletNotFound
from billing_service.models import Account, Hold, Receipt, Transfer
from billing_service.payment_models import ReceiptPart
from kit.database import Database, ReadOnlySession
from kit.deadlines import require_time_left
from kit.identity import UserId

LARGEST_USAGE = 1000

GroupBy = Literal["day", "action", "model", "user"]
GroupByInGroup = Literal["day", "action", "model", "user", "context"]


class Entry(NamedTuple):
    """A transfer with its two accounts: a wallet and a system account."""

    transfer: Transfer
    debit: Account
    credit: Account


class Position(Protocol):
    """The receipt before a page: a row or its view."""

    id: Any  # Any: a column of a row
    created_at: Any


@dataclass(frozen=True)
class UsageQuery:
    group_by: GroupByInGroup
    since: datetime | None
    until: datetime | None
    user_id: int | None = None
    # The group that paid; None for all payers.
    group_id: int | None = None


class Usage(NamedTuple):
    group: str | None
    requests: int
    tokens: int


class OverdueHolds(NamedTuple):
    """Open holds after their end: their number, and the earliest end."""

    number: int
    oldest: datetime | None


class CostlyReads:
    """Sessions for costly reads: one at a time, and users take turns, however many requests each sends.

    A sum over a million receipts takes a second. Two of them would occupy all connections that read, and
    everybody's balance would wait.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def session(self, user_id: UserId) -> AsyncGenerator[ReadOnlySession]:
        """A session for one costly read of this user; raises DeadlinePassed if nobody waits for it now."""
        async with self._database.turn_of(user_id), self._turn:
            require_time_left()
            async with self._database.read() as session:
                yield session


def entries_of_group(group_id: int, member_id: int | None) -> Sequence[ColumnElement[bool]]:
    """The conditions for transfers of a group's accounts; with a member, of those that concern them."""
    of_member = [] if member_id is None else [Transfer.member_id == member_id]
    return [Transfer.group_id == group_id, *of_member]


async def get_open_wallet(session: AsyncSession, owner_id: int) -> Account:
    """The open wallet of this owner; raises WalletNotFound."""
    is_open = Account.closed_at.is_(None)
    wallet = (await session.scalars(select(Account).where(Account.owner_id == owner_id, is_open))).first()
    if wallet is None:
        raise WalletNotFound
    return wallet


async def list_transfers(
    session: AsyncSession, account_id: int, before: int, limit: int
) -> Sequence[Transfer]:
    """Transfers of one wallet, newest first."""
    # The expression of the index: wallets have higher ids than the system accounts on the other side.
    wallet = func.greatest(Transfer.debit_account, Transfer.credit_account)
    statement = select(Transfer).where(wallet == account_id, Transfer.id < before)
    return (await session.scalars(statement.order_by(Transfer.id.desc()).limit(limit))).all()


async def list_entries(
    session: AsyncSession, before: int, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Entry]:
    """Transfers of all accounts, or those that meet the conditions, newest first."""
    debit, credit = aliased(Account), aliased(Account)
    statement = (
        select(Transfer, debit, credit)
        .join(debit, debit.id == Transfer.debit_account)
        .join(credit, credit.id == Transfer.credit_account)
        .where(Transfer.id < before, *conditions)
        .order_by(Transfer.id.desc())
        .limit(limit)
    )
    return [Entry(*row) for row in (await session.execute(statement)).all()]


async def find_receipt(session: AsyncSession, receipt_id: UUID) -> Receipt | None:
    return await session.get(Receipt, receipt_id)


async def list_receipts(
    session: AsyncSession, owner_id: int, last: Position | None, limit: int
) -> Sequence[Receipt]:
    """Receipts after `last`, oldest first."""
    statement = select(Receipt).where(Receipt.owner_id == owner_id)
    if last is not None:
        position = tuple_(Receipt.created_at, Receipt.id)
        statement = statement.where(position > tuple_(last.created_at, last.id))
    statement = statement.order_by(Receipt.created_at, Receipt.id).limit(limit)
    return (await session.scalars(statement)).all()


async def list_receipt_parts(
    session: AsyncSession, receipts: Sequence[UUID]
) -> Sequence[tuple[ReceiptPart, Account]]:
    """Parts of receipts with their accounts, in order."""
    statement = (
        select(ReceiptPart, Account)
        .join(Account, Account.id == ReceiptPart.account_id)
        .where(ReceiptPart.receipt_id.in_(receipts))
        .order_by(ReceiptPart.receipt_id, ReceiptPart.position)
    )
    return [(part, account) for part, account in (await session.execute(statement)).all()]


async def sum_usage(session: AsyncSession, query: UsageQuery) -> Sequence[Usage]:
    """Charges less refunds by group: days newest first, others by tokens; free work counts as requests."""
    group = _group(query.group_by)
    sign = case((Receipt.kind == "charge", 1), else_=-1)
    # PostgreSQL's sum of BIGINT is NUMERIC, so it is cast back.
    requests, tokens = func.sum(sign), cast(func.sum(sign * Receipt.tokens), Receipt.tokens.type)
    statement = select(group, requests, tokens).group_by(group).having(or_(requests != 0, tokens != 0))
    statement = statement.where(*_conditions(query)).limit(LARGEST_USAGE)
    first = group if query.group_by == "day" else tokens
    rows = await session.execute(statement.order_by(first.desc(), group))
    return [Usage(*row) for row in rows.all()]


async def sum_context_by_user(
    session: AsyncSession, group_id: int, context: str, until: datetime
) -> Sequence[tuple[int, int]]:
    """Charges less refunds of each user in a context of a group, of receipts before that time."""
    sign = case((Receipt.kind == "charge", 1), else_=-1)
    tokens = cast(func.sum(sign * Receipt.tokens), Receipt.tokens.type)
    # The group first, by which receipts are indexed.
    of_context = (Receipt.group_id == group_id, Receipt.context == context, Receipt.created_at < until)
    statement = select(Receipt.owner_id, tokens).where(*of_context, Receipt.kind.in_(("charge", "refund")))
    rows = await session.execute(statement.group_by(Receipt.owner_id).order_by(Receipt.owner_id))
    return [(owner_id, used) for owner_id, used in rows]


def _group(group_by: GroupByInGroup) -> ColumnElement[Any]:  # Any: nullable text
    match group_by:
        case "day":
            return func.to_char(func.timezone("UTC", Receipt.created_at), "YYYY-MM-DD")
        case "action":
            return Receipt.action.expression
        case "model":
            return Receipt.resource.expression
        case "user":
            return cast(Receipt.owner_id, String)
        case "context":
            return Receipt.context.expression


def _conditions(query: UsageQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Receipt.kind.in_(("charge", "refund"))]
    if query.user_id is not None:
        conditions.append(Receipt.owner_id == query.user_id)
    if query.group_id is not None:
        conditions.append(Receipt.group_id == query.group_id)
    if query.since is not None:
        conditions.append(Receipt.created_at >= query.since)
    if query.until is not None:
        conditions.append(Receipt.created_at < query.until)
    return conditions


async def find_overdue_holds(session: AsyncSession, seconds: float) -> OverdueHolds:
    """Open holds that ended so long ago that the sweeper should have released them."""
    overdue = (Hold.state == "held", Hold.expires_at < func.now() - timedelta(seconds=seconds))
    statement = select(func.count(), func.min(Hold.expires_at)).where(*overdue)
    return OverdueHolds(*(await session.execute(statement)).one())
