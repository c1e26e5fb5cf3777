"""Repository of the ledger: locks and reads the books of a batch, and writes its changes in bulk."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import asyncpg
from cachetools import LRUCache

from billing_service.caches import PayerCache
from billing_service.calendar_rules import Clock
from billing_service.ledger import sql
from billing_service.ledger.books import Books, Changes
from billing_service.ledger.commands import Command
from billing_service.ledger.group_repository import GroupRows
from billing_service.ledger.group_sql import READ_DEFAULT_GROUPS
from billing_service.ledger.needs import Needs
from billing_service.ledger.rows import FirstAnswer, Hold, Quote, Receipt, Wallet
from billing_service.prices.cache import PriceCache
from billing_service.prices.rules import Price
from kit.database import Database

HOLD_FIELDS = tuple(name.strip() for name in sql.HOLD_COLUMNS.split(","))
CHANGED_HOLD_FIELDS = ("key", "state", "resource", "expires_at", "settled_tokens", "ended_available")
FIRST_ANSWER_FIELDS = ("key", "input_hash", "tokens", "available", "receipt_id")
WALLET_FIELDS = ("id", "posted", "held", "closed_at")
TRANSFER_WIDTH = 16
CACHED_QUOTES = 10_000
# The `source` of a row of READ_FIRST_ANSWERS.
OF_OPERATIONS, OF_RECEIPTS = 1, 2


@dataclass(frozen=True, slots=True)
class LedgerCaches:
    """Rows that never change, or whose change is announced, so that batches need not read them."""

    prices: PriceCache = field(default_factory=PriceCache)
    quotes: LRUCache[UUID, Quote] = field(default_factory=lambda: LRUCache(CACHED_QUOTES))
    payers: PayerCache = field(default_factory=PayerCache)


@asynccontextmanager
async def open_books(
    database: Database, caches: LedgerCaches, clock: Clock
) -> AsyncGenerator["LedgerRepository"]:
    """Open a transaction on a plain driver connection, without the overhead of the ORM."""
    async with database.driver() as connection:
        await connection.execute(sql.BEGIN)
        try:
            yield LedgerRepository(connection, caches, clock)
            await connection.execute("COMMIT")
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise


class LedgerRepository:
    """Reads and writes in one transaction; the caller commits."""

    def __init__(self, connection: asyncpg.Connection, caches: LedgerCaches, clock: Clock) -> None:
        self._connection, self._caches, self._clock = connection, caches, clock
        self._groups = GroupRows(connection)

    async def lock(self, commands: Sequence[Command]) -> tuple[Books, datetime]:
        """Lock the wallets of the batch, then read all other rows that it needs.

        Returns the time after the wait for the locks: deadlines pass while it lasts.
        """
        needs = Needs.of(commands, await self._caches.payers.get(self._read_default_groups))
        # A wallet must exist before it can be locked.
        if needs.new_owners:
            await self._connection.execute(sql.OPEN_WALLETS, needs.new_owners)
        wallets = await self._lock_wallets(needs)
        now = self._clock()
        books = Books(wallets, await self._caches.prices.get(self._read_prices))
        books.default_groups = needs.default_groups
        if needs.keys or needs.receipts or needs.api_keys:
            await self._read_first_answers(books, needs)
        if needs.holds:
            await self._read_holds(books, sql.READ_HOLDS, needs.holds)
        if needs.closing_owners:
            await self._read_holds(books, sql.READ_OPEN_HOLDS, needs.closing_owners)
        if needs.quotes:
            books.quotes = await self._read_quotes(needs.quotes)
        await self._read_key_usage_of_earlier_work(books)
        if needs.has_funds:
            await self._groups.read(books, needs, now)
        return books, now

    async def write(self, changes: Changes) -> None:
        await self._groups.add_allowances(changes.new_allowances)
        await self._write_rows(sql.ADD_HOLDS, _columns(changes.new_holds.values(), HOLD_FIELDS))
        await self._write_rows(sql.CHANGE_HOLDS, _columns(changes.old_holds.values(), CHANGED_HOLD_FIELDS))
        await self._write_rows(sql.ADD_FIRST_ANSWERS, _columns(changes.first_answers, FIRST_ANSWER_FIELDS))
        if changes.wallets or changes.receipts or changes.key_usage:
            transfers = [(*each[:4], *each.details, *each[5:]) for each in changes.transfers]
            await self._connection.execute(
                sql.WRITE_MOVEMENTS,
                *_columns(changes.wallets.values(), WALLET_FIELDS),
                list(changes.key_usage),
                list(changes.key_usage.values()),
                *_transposed(changes.receipts, len(Receipt._fields)),
                *_transposed(transfers, TRANSFER_WIDTH),
            )
        await self._groups.write(changes)

    async def find_overdue_holds(self, now: datetime, limit: int) -> list[str]:
        rows = await self._connection.fetch(sql.FIND_OVERDUE_HOLDS, now, limit)
        return [row["key"] for row in rows]

    async def _lock_wallets(self, needs: Needs) -> dict[int, Wallet]:
        if needs.has_funds:
            return await self._groups.lock(needs, self._clock())
        rows = await self._connection.fetch(sql.LOCK_WALLETS, needs.owners)
        return {row["id"]: Wallet(*row) for row in rows}

    async def _write_rows(self, statement: str, columns: Sequence[Sequence[object]]) -> None:
        if columns[0]:
            await self._connection.execute(statement, *columns)

    async def _read_default_groups(self) -> Mapping[int, int]:
        rows = await self._connection.fetch(READ_DEFAULT_GROUPS)
        return {row["user_id"]: row["default_group"] for row in rows}

    async def _read_prices(self) -> Mapping[str, Price]:
        # Prices are append-only, so a version that was read stays valid without a lock.
        rows = await self._connection.fetch(sql.READ_PRICES)
        return {row["action"]: Price(**row) for row in rows}

    async def _read_first_answers(self, books: Books, needs: Needs) -> None:
        rows = await self._connection.fetch(
            sql.READ_FIRST_ANSWERS, needs.keys, needs.receipts, needs.api_keys
        )
        for row in rows:
            if row["source"] == OF_OPERATIONS:
                books.first_answers[row["key"]] = FirstAnswer(*(row[name] for name in FIRST_ANSWER_FIELDS))
            elif row["source"] == OF_RECEIPTS:
                receipt = _receipt_of(row)
                books.receipts[receipt.id] = receipt
            else:
                books.key_usage[row["api_key_id"]] = row["tokens"]

    async def _read_holds(self, books: Books, statement: str, keys: Sequence[object]) -> None:
        for row in await self._connection.fetch(statement, keys):
            books.holds[row["key"]] = Hold(**row)

    async def _read_quotes(self, ids: Sequence[UUID]) -> Mapping[UUID, Quote]:
        # A quote never changes, so it is read once.
        cached = self._caches.quotes
        unknown = [quote_id for quote_id in ids if quote_id not in cached]
        for row in await self._connection.fetch(sql.READ_QUOTES, unknown) if unknown else ():
            cached[row["id"]] = _quote_of(row)
        return {quote_id: cached[quote_id] for quote_id in ids if quote_id in cached}

    async def _read_key_usage_of_earlier_work(self, books: Books) -> None:
        # No lock of its own: an API key spends from one wallet, which is locked.
        work = [*books.holds.values(), *books.receipts.values()]
        used = {each.api_key_id for each in work if each.api_key_id is not None} - books.key_usage.keys()
        if used:
            rows = await self._connection.fetch(sql.READ_KEY_USAGE, list(used))
            books.key_usage |= {row["api_key_id"]: row["used"] for row in rows}


def _receipt_of(row: asyncpg.Record) -> Receipt:
    return Receipt(
        id=row["receipt_id"],
        owner_id=row["owner_id"],
        kind=row["kind"],
        tokens=row["tokens"],
        action=row["action"],
        units=row["units"],
        resource=row["resource"],
        price_version=row["price_version"],
        input_hash=row["input_hash"],
        available=row["available"],
        api_key_id=row["api_key_id"],
        group_id=row["group_id"],
        context=row["context"],
        created_at=row["created_at"],
    )


def _quote_of(row: asyncpg.Record) -> Quote:
    price = Price(row["action"], row["version"], row["tokens"], row["per_units"])
    return Quote(row["user_id"], price, row["expires_at"])


def _columns(rows: Iterable[object], fields: Sequence[str]) -> list[Sequence[Any]]:  # Any: as below
    """The rows as one sequence for each field, the arguments of unnest."""
    return _transposed([attrgetter(*fields)(row) for row in rows], len(fields))


def _transposed(rows: Sequence[Sequence[object]], width: int) -> list[Sequence[Any]]:  # Any: columns
    """The columns of the rows; one of nulls is empty, because unnest fills shorter arrays with nulls."""
    columns = zip(*rows, strict=True)
    return [() if _is_null(column) else column for column in columns] or [()] * width


def _is_null(column: Sequence[object]) -> bool:
    # Most columns have a first value, and need no count then.
    return column[0] is None and column.count(None) == len(column)
