"""Repository of the ledger for groups: their rows of a batch, read under the locks and written in bulk."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from billing_service.calendar_rules import Calendar, parse_duration
from billing_service.ledger import group_sql as sql
from billing_service.ledger.books import Books, Changes, LimitPeriod
from billing_service.ledger.limit_rules import limit_periods
from billing_service.ledger.needs import Needs
from billing_service.ledger.rows import (
    Allowance,
    Hold,
    Issue,
    Limit,
    MissingAllowance,
    Part,
    Pool,
    Receipt,
    Spender,
    Wallet,
)


def fund_of(row: asyncpg.Record) -> Wallet:
    """The account of a row of LOCK_FUNDS; nearly all are wallets."""
    number, owner, posted, held, closed_at, kind, group_id, expires_at, rule_id, period = row
    if kind == "wallet":
        return Wallet(number, owner, posted, held, closed_at)
    if kind == "pool":
        return Pool(number, owner, posted, held, closed_at, group_id, expires_at)
    return Allowance(number, owner, posted, held, closed_at, group_id, expires_at, rule_id, period)


class GroupRows:
    """Reads and writes in the transaction of a batch; the repository of the ledger commits."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self, needs: Needs, now: datetime) -> dict[int, Wallet]:
        """Lock the wallets of the batch, and the accounts of groups that it may change."""
        rows = await self._connection.fetch(
            sql.LOCK_FUNDS,
            needs.owners,
            needs.holds,
            needs.refunded_charges,
            now,
            needs.spenders,
            needs.paying_groups,
            needs.pools,
            needs.accounts,
        )
        return {row[0]: fund_of(row) for row in rows}

    async def read(self, books: Books, needs: Needs, now: datetime) -> None:
        """Read the rows of groups that the batch needs, after its holds and receipts."""
        holds = [hold for hold in books.holds.values() if hold.group_id is not None]
        charges = [receipt for receipt in books.receipts.values() if receipt.group_id is not None]
        if holds:
            await self._read_hold_parts(books, holds)
        if charges:
            await self._read_receipt_parts(books, charges)
        pairs = {*zip(needs.spenders, needs.paying_groups, strict=True), *_payers_of(holds, charges)}
        if pairs:
            await self._read_spenders(books, [*pairs])
            await self._read_limits(books, [*holds, *charges], now)
        for command in needs.issues:
            rows = await self._connection.fetch(
                sql.READ_ISSUE, command.rule_id, command.period, command.closes_at
            )
            missing = [MissingAllowance(row["user_id"], row["account_id"]) for row in rows]
            amount = rows[0]["amount"] if rows else 0
            books.issues[command.rule_id, command.period] = Issue(command.group_id, amount, missing)

    async def write(self, changes: Changes) -> None:
        """Write what refers to rows that are written already."""
        await self._write(sql.ADD_HOLD_PARTS, _parts_of(changes.new_holds.values()))
        changed = [(key, position, part[2]) for key, position, *part in _parts_of(changes.old_holds.values())]
        await self._write(sql.CHANGE_HOLD_PARTS, changed)
        await self._write(sql.ADD_RECEIPT_PARTS, changes.receipt_parts)
        await self._write(sql.END_FUNDS, [(fund.id, fund.expires_at) for fund in changes.ended.values()])
        await self._write(sql.SAVE_LIMIT_USAGE, [(*key, used) for key, used in changes.limit_usage.items()])

    async def add_allowances(self, allowances: Sequence[Allowance]) -> None:
        rows = [
            (
                each.id,
                each.owner_id,
                each.posted,
                each.held,
                each.group_id,
                each.expires_at,
                each.rule_id,
                each.period,
            )
            for each in allowances
        ]
        await self._write(sql.ADD_ALLOWANCES, rows)

    async def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:  # Any: columns
        if rows:
            await self._connection.execute(statement, *map(list, zip(*rows, strict=True)))

    async def _read_hold_parts(self, books: Books, holds: Sequence[Hold]) -> None:
        for row in await self._connection.fetch(sql.READ_HOLD_PARTS, [hold.key for hold in holds]):
            part = Part(row["account_id"], row["tokens"], row["settled_tokens"])
            books.holds[row["hold_key"]].parts.append(part)

    async def _read_receipt_parts(self, books: Books, charges: Sequence[Receipt]) -> None:
        for row in await self._connection.fetch(sql.READ_RECEIPT_PARTS, [each.id for each in charges]):
            part = Part(row["account_id"], row["tokens"])
            books.receipt_parts.setdefault(row["receipt_id"], []).append(part)

    async def _read_spenders(self, books: Books, pairs: Sequence[tuple[int, int]]) -> None:
        users, groups = zip(*pairs, strict=True)
        for row in await self._connection.fetch(sql.READ_SPENDERS, users, groups):
            books.spenders[row["group_id"], row["user_id"]] = Spender(*row)

    async def _read_limits(self, books: Books, work: Sequence[Hold | Receipt], now: datetime) -> None:
        groups = {each.group_id for each in books.spenders.values() if each.has_limits}
        if not groups:
            return
        for row in await self._connection.fetch(sql.READ_LIMITS, [*groups]):
            books.limits.setdefault(row["group_id"], []).append(_limit_of(row))
        periods = {*_current_periods(books, now)}
        for each in work:
            periods |= {*limit_periods(each, _owner_of(each), books.limits.get(each.group_id or 0, ()))}
        if periods:
            columns = map(list, zip(*periods, strict=True))
            for row in await self._connection.fetch(sql.READ_LIMIT_USAGE, *columns):
                books.limit_usage[row["limit_id"], row["user_id"], row["period"]] = row["used"]


def _current_periods(books: Books, now: datetime) -> Iterator[LimitPeriod]:
    for spender in books.spenders.values():
        for limit in books.limits.get(spender.group_id, ()):
            yield limit.id, spender.user_id, limit.calendar.period_at(now)


def _payers_of(holds: Sequence[Hold], charges: Sequence[Receipt]) -> Iterator[tuple[int, int]]:
    for each in (*holds, *charges):
        if each.group_id is not None:
            yield _owner_of(each), each.group_id


def _owner_of(work: Hold | Receipt) -> int:
    return work.owner_id if isinstance(work, Receipt) else work.member_id or 0


def _parts_of(holds: Iterable[Hold]) -> list[tuple[Any, ...]]:  # Any: columns
    return [
        (hold.key, position, part.account_id, part.tokens, part.settled_tokens)
        for hold in holds
        for position, part in enumerate(hold.parts)
    ]


def _limit_of(row: asyncpg.Record) -> Limit:
    every = parse_duration(row["every"]) if row["every"] else None
    calendar = Calendar(row["starts_at"], every, ZoneInfo(row["time_zone"]))
    named = (row["id"], row["group_id"], row["user_id"], row["context"], row["api_key_id"])
    return Limit(*named, row["amount"], calendar, row["created_at"])
