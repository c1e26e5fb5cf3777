"""Reads a batch's part of the books under lock and writes it back, in bulk, on one asyncpg connection."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any

import asyncpg

from billing_service.ledger import sql
from billing_service.ledger.batch import Needs
from billing_service.ledger.books import Books, Changes, Hold, Operation, Quote, Transfer, Wallet
from billing_service.prices.rules import Price
from kit.database import Database

RECEIPT_FIELDS = (
    "id",
    "owner_id",
    "kind",
    "tokens",
    "action",
    "units",
    "resource",
    "price_version",
    "card_brand",
    "card_last_four",
)
WHY_FIELDS = (
    "kind",
    "operation",
    "action",
    "resource",
    "price_version",
    "receipt_id",
    "note",
    "made_by",
)
HOLD_FIELDS = tuple(name.strip() for name in sql.HOLD_COLUMNS.split(","))
CHANGED_HOLD_FIELDS = ("key", "state", "resource", "expires_at", "settled_tokens", "ended_available")
OPERATION_FIELDS = ("key", "input_hash", "tokens", "available", "receipt_id")


@asynccontextmanager
async def open_books(database: Database) -> AsyncGenerator["LedgerRepository"]:
    """One transaction on the driver's own connection, which knows arrays and has no ORM above it."""
    async with database.driver() as connection, connection.transaction():
        yield LedgerRepository(connection)


class LedgerRepository:
    """One transaction's view; the caller begins and commits."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self, needs: Needs) -> Books:
        """Lock the batch's wallets, then read what must not change until the batch is written."""
        if needs.new_owners:
            await self._connection.execute(sql.OPEN_WALLETS, needs.new_owners)
        rows = await self._connection.fetch(sql.LOCK_WALLETS, needs.owners, needs.holds)
        books = Books({row["id"]: Wallet(**row) for row in rows}, await self._read_prices())
        if needs.holds:
            await self._read_holds(books, sql.READ_HOLDS, needs.holds)
        if needs.closing_owners:
            await self._read_holds(books, sql.READ_OPEN_HOLDS, needs.closing_owners)
        if needs.operations:
            found = await self._connection.fetch(sql.READ_OPERATIONS, needs.operations)
            books.operations = {row["key"]: Operation(**row) for row in found}
        if needs.quotes:
            found = await self._connection.fetch(sql.READ_QUOTES, needs.quotes)
            books.quotes = {row["id"]: _quote_of(row) for row in found}
        await self._read_allowances(books, needs)
        return books

    async def write(self, changes: Changes) -> None:
        await self._add(sql.ADD_HOLDS, _columns(changes.new_holds.values(), HOLD_FIELDS))
        await self._add(sql.CHANGE_HOLDS, _columns(changes.old_holds.values(), CHANGED_HOLD_FIELDS))
        await self._add(sql.ADD_OPERATIONS, _columns(changes.operations, OPERATION_FIELDS))
        await self._add(sql.ADD_RECEIPTS, _columns(changes.receipts, RECEIPT_FIELDS))
        await self._add(sql.ADD_TRANSFERS, _transfer_columns(changes.transfers))
        wallets = _columns(changes.wallets.values(), ("id", "posted", "held", "closed_at"))
        await self._add(sql.CHANGE_WALLETS, wallets)
        used = [list(changes.allowances), list(changes.allowances.values())]
        await self._add(sql.CHANGE_ALLOWANCES, used)

    async def find_overdue_holds(self, now: datetime, limit: int) -> list[str]:
        rows = await self._connection.fetch(sql.FIND_OVERDUE_HOLDS, now, limit)
        return [row["key"] for row in rows]

    async def _add(self, statement: str, columns: Sequence[Sequence[object]]) -> None:
        if columns[0]:
            await self._connection.execute(statement, *columns)

    async def _read_prices(self) -> dict[str, Price]:
        rows = await self._connection.fetch(sql.READ_PRICES)
        return {row["action"]: Price(**row) for row in rows}

    async def _read_holds(self, books: Books, statement: str, keys: Sequence[object]) -> None:
        for row in await self._connection.fetch(statement, keys):
            books.holds[row["key"]] = Hold(**row)

    async def _read_allowances(self, books: Books, needs: Needs) -> None:
        of_holds = [hold.api_key_id for hold in books.holds.values() if hold.api_key_id is not None]
        if needs.api_keys or of_holds:
            rows = await self._connection.fetch(sql.READ_ALLOWANCES, [*needs.api_keys, *of_holds])
            books.allowances = {row["api_key_id"]: row["used"] for row in rows}


def _quote_of(row: asyncpg.Record) -> Quote:
    price = Price(row["action"], row["version"], row["tokens"], row["per_units"])
    return Quote(row["user_id"], price, row["expires_at"])


def _columns(rows: Iterable[object], fields: Sequence[str]) -> list[list[Any]]:  # Any: columns of any type
    """Rows turned into one list for each field, as unnest wants them."""
    values = [attrgetter(*fields)(row) for row in rows]
    return [list(column) for column in zip(*values, strict=True)] or [[]]


def _transfer_columns(transfers: Sequence[Transfer]) -> list[list[Any]]:  # Any: columns of any type
    where = _columns(transfers, ("debit_account", "credit_account", "amount", "balance_after"))
    return where + _columns([each.why for each in transfers], WHY_FIELDS)
