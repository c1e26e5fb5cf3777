"""Repository of the ledger: locks and reads the books of a batch, and writes its changes in bulk."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, assert_never
from uuid import UUID

import asyncpg

from billing_service.ledger import sql
from billing_service.ledger.books import Books, Changes, FirstAnswer, Hold, Quote, Transfer, Wallet
from billing_service.ledger.commands import (
    BuyTokens,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    GrantTokens,
    OpenWallet,
    PlaceHold,
    ReleaseHold,
    SettleHold,
)
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
DETAIL_FIELDS = (
    "kind",
    "key",
    "action",
    "resource",
    "price_version",
    "receipt_id",
    "note",
    "made_by",
)
HOLD_FIELDS = tuple(name.strip() for name in sql.HOLD_COLUMNS.split(","))
CHANGED_HOLD_FIELDS = ("key", "state", "resource", "expires_at", "settled_tokens", "ended_available")
FIRST_ANSWER_FIELDS = ("key", "input_hash", "tokens", "available", "receipt_id")


@dataclass(slots=True)
class Needs:
    """Owners, keys and ids of the rows that a batch of commands needs."""

    new_owners: list[int] = field(default_factory=list[int])
    closing_owners: list[int] = field(default_factory=list[int])
    owners: list[int] = field(default_factory=list[int])
    holds: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    quotes: list[UUID] = field(default_factory=list[UUID])
    api_keys: list[int] = field(default_factory=list[int])

    @classmethod
    def of(cls, batch: Sequence[Command]) -> "Needs":
        needs = cls()
        for command in batch:
            needs.add(command)
        return needs

    def add(self, command: Command) -> None:
        match command:
            case SettleHold() | ReleaseHold() | ExtendHold() | ExpireHold():
                self.holds.append(command.hold)
            case PlaceHold():
                self._add_hold(command)
            case OpenWallet():
                self.new_owners.append(command.user_id)
                self._add_key(command.user_id, command.key)
            case GrantTokens() | BuyTokens():
                self._add_key(command.user_id, command.key)
            case CloseWallet():
                self.closing_owners.append(command.user_id)
                self.owners.append(command.user_id)
            case _:
                assert_never(command)

    def _add_hold(self, command: PlaceHold) -> None:
        self.owners.append(command.user_id)
        self.holds.append(command.key)
        if command.quote_id is not None:
            self.quotes.append(command.quote_id)
        if command.api_key is not None:
            self.api_keys.append(command.api_key.id)

    def _add_key(self, owner_id: int, key: str) -> None:
        self.owners.append(owner_id)
        self.keys.append(key)


@asynccontextmanager
async def open_books(database: Database) -> AsyncGenerator["LedgerRepository"]:
    """Open a transaction on a plain driver connection, without the overhead of the ORM."""
    async with database.driver() as connection, connection.transaction():
        yield LedgerRepository(connection)


class LedgerRepository:
    """Reads and writes in one transaction; the caller commits."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self, needs: Needs) -> Books:
        """Lock the wallets of the batch, then read all other rows that it needs."""
        # A wallet must exist before it can be locked.
        if needs.new_owners:
            await self._connection.execute(sql.OPEN_WALLETS, needs.new_owners)
        rows = await self._connection.fetch(sql.LOCK_WALLETS, needs.owners, needs.holds)
        books = Books({row["id"]: Wallet(**row) for row in rows}, await self._read_prices())
        if needs.holds:
            await self._read_holds(books, sql.READ_HOLDS, needs.holds)
        if needs.closing_owners:
            await self._read_holds(books, sql.READ_OPEN_HOLDS, needs.closing_owners)
        if needs.keys:
            found = await self._connection.fetch(sql.READ_FIRST_ANSWERS, needs.keys)
            books.first_answers = {row["key"]: FirstAnswer(**row) for row in found}
        if needs.quotes:
            found = await self._connection.fetch(sql.READ_QUOTES, needs.quotes)
            books.quotes = {row["id"]: _quote_of(row) for row in found}
        await self._read_key_usage(books, needs)
        return books

    async def write(self, changes: Changes) -> None:
        await self._write_rows(sql.ADD_HOLDS, _columns(changes.new_holds.values(), HOLD_FIELDS))
        await self._write_rows(sql.CHANGE_HOLDS, _columns(changes.old_holds.values(), CHANGED_HOLD_FIELDS))
        await self._write_rows(sql.ADD_FIRST_ANSWERS, _columns(changes.first_answers, FIRST_ANSWER_FIELDS))
        await self._write_rows(sql.ADD_RECEIPTS, _columns(changes.receipts, RECEIPT_FIELDS))
        await self._write_rows(sql.ADD_TRANSFERS, _transfer_columns(changes.transfers))
        wallets = _columns(changes.wallets.values(), ("id", "posted", "held", "closed_at"))
        await self._write_rows(sql.CHANGE_WALLETS, wallets)
        key_usage = [list(changes.key_usage), list(changes.key_usage.values())]
        await self._write_rows(sql.CHANGE_KEY_USAGE, key_usage)

    async def find_overdue_holds(self, now: datetime, limit: int) -> list[str]:
        rows = await self._connection.fetch(sql.FIND_OVERDUE_HOLDS, now, limit)
        return [row["key"] for row in rows]

    async def _write_rows(self, statement: str, columns: Sequence[Sequence[object]]) -> None:
        if columns[0]:
            await self._connection.execute(statement, *columns)

    async def _read_prices(self) -> dict[str, Price]:
        # Prices are append-only, so a version that was read stays valid without a lock.
        rows = await self._connection.fetch(sql.READ_PRICES)
        return {row["action"]: Price(**row) for row in rows}

    async def _read_holds(self, books: Books, statement: str, keys: Sequence[object]) -> None:
        for row in await self._connection.fetch(statement, keys):
            books.holds[row["key"]] = Hold(**row)

    async def _read_key_usage(self, books: Books, needs: Needs) -> None:
        # No lock of its own: an API key spends from one wallet, which is locked.
        keys_of_holds = [hold.api_key_id for hold in books.holds.values() if hold.api_key_id is not None]
        if needs.api_keys or keys_of_holds:
            rows = await self._connection.fetch(sql.READ_KEY_USAGE, [*needs.api_keys, *keys_of_holds])
            books.key_usage = {row["api_key_id"]: row["used"] for row in rows}


def _quote_of(row: asyncpg.Record) -> Quote:
    price = Price(row["action"], row["version"], row["tokens"], row["per_units"])
    return Quote(row["user_id"], price, row["expires_at"])


def _columns(rows: Iterable[object], fields: Sequence[str]) -> list[list[Any]]:  # Any: columns of any type
    """Transpose rows into one list for each field, the arguments of unnest."""
    values = [attrgetter(*fields)(row) for row in rows]
    return [list(column) for column in zip(*values, strict=True)] or [[]]


def _transfer_columns(transfers: Sequence[Transfer]) -> list[list[Any]]:  # Any: columns of any type
    amounts = _columns(transfers, ("debit_account", "credit_account", "amount", "balance_after"))
    return amounts + _columns([transfer.details for transfer in transfers], DETAIL_FIELDS)
