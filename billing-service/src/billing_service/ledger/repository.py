"""Repository of the ledger: locks and reads the books of a batch, and writes its changes in bulk."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, assert_never
from uuid import UUID

import asyncpg
from cachetools import LRUCache

from billing_service.ledger import sql
from billing_service.ledger.books import Books, Changes, FirstAnswer, Hold, Quote, Receipt, Wallet
from billing_service.ledger.charge_rules import charge_receipt_id, refund_key
from billing_service.ledger.commands import (
    BuyTokens,
    ChargeTokens,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    GrantTokens,
    OpenWallet,
    PlaceHold,
    PricedOperation,
    RefundCharge,
    RefundHold,
    ReleaseHold,
    SettleHold,
)
from billing_service.prices.cache import PriceCache
from billing_service.prices.rules import Price
from kit.database import Database

HOLD_FIELDS = tuple(name.strip() for name in sql.HOLD_COLUMNS.split(","))
CHANGED_HOLD_FIELDS = ("key", "state", "resource", "expires_at", "settled_tokens", "ended_available")
FIRST_ANSWER_FIELDS = ("key", "input_hash", "tokens", "available", "receipt_id")
WALLET_FIELDS = ("id", "posted", "held", "closed_at")
TRANSFER_WIDTH = 12
CACHED_QUOTES = 10_000
# The `source` of a row of READ_FIRST_ANSWERS.
OF_OPERATIONS, OF_RECEIPTS = 1, 2


@dataclass(slots=True)
class Needs:
    """Owners, keys and ids of the rows that a batch of commands needs."""

    new_owners: list[int] = field(default_factory=list[int])
    closing_owners: list[int] = field(default_factory=list[int])
    owners: list[int] = field(default_factory=list[int])
    holds: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    receipts: list[UUID] = field(default_factory=list[UUID])
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
            case ChargeTokens():
                self._add_priced(command)
                self._add_charge(command.key)
            case RefundCharge():
                self.owners.append(command.user_id)
                self._add_charge(command.charge)
            case PlaceHold():
                self._add_priced(command)
                self.holds.append(command.key)
            case RefundHold():
                self.owners.append(command.user_id)
                self.holds.append(command.hold)
            case SettleHold() | ReleaseHold() | ExtendHold() | ExpireHold():
                self.holds.append(command.hold)
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

    def _add_priced(self, command: PricedOperation) -> None:
        self.owners.append(command.user_id)
        if command.quote_id is not None:
            self.quotes.append(command.quote_id)
        if command.api_key is not None:
            self.api_keys.append(command.api_key.id)

    def _add_charge(self, key: str) -> None:
        self.receipts.append(charge_receipt_id(key))
        self.keys.append(refund_key(key))

    def _add_key(self, owner_id: int, key: str) -> None:
        self.owners.append(owner_id)
        self.keys.append(key)


@dataclass(frozen=True, slots=True)
class LedgerCaches:
    """Rows that never change, or whose change is announced, so that batches need not read them."""

    prices: PriceCache = field(default_factory=PriceCache)
    quotes: LRUCache[UUID, Quote] = field(default_factory=lambda: LRUCache(CACHED_QUOTES))


@asynccontextmanager
async def open_books(database: Database, caches: LedgerCaches) -> AsyncGenerator["LedgerRepository"]:
    """Open a transaction on a plain driver connection, without the overhead of the ORM."""
    async with database.driver() as connection:
        await connection.execute(sql.BEGIN)
        try:
            yield LedgerRepository(connection, caches)
            await connection.execute("COMMIT")
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise


class LedgerRepository:
    """Reads and writes in one transaction; the caller commits."""

    def __init__(self, connection: asyncpg.Connection, caches: LedgerCaches) -> None:
        self._connection, self._caches = connection, caches

    async def lock(self, needs: Needs) -> Books:
        """Lock the wallets of the batch, then read all other rows that it needs."""
        # A wallet must exist before it can be locked.
        if needs.new_owners:
            await self._connection.execute(sql.OPEN_WALLETS, needs.new_owners)
        wallets = await self._lock_wallets(needs)
        books = Books(wallets, await self._caches.prices.get(self._read_prices))
        if needs.keys or needs.receipts or needs.api_keys:
            await self._read_first_answers(books, needs)
        if needs.holds:
            await self._read_holds(books, sql.READ_HOLDS, needs.holds)
        if needs.closing_owners:
            await self._read_holds(books, sql.READ_OPEN_HOLDS, needs.closing_owners)
        if needs.quotes:
            books.quotes = await self._read_quotes(needs.quotes)
        await self._read_key_usage_of_earlier_work(books)
        return books

    async def write(self, changes: Changes) -> None:
        await self._write_rows(sql.ADD_HOLDS, _columns(changes.new_holds.values(), HOLD_FIELDS))
        await self._write_rows(sql.CHANGE_HOLDS, _columns(changes.old_holds.values(), CHANGED_HOLD_FIELDS))
        await self._write_rows(sql.ADD_FIRST_ANSWERS, _columns(changes.first_answers, FIRST_ANSWER_FIELDS))
        if changes.wallets or changes.receipts or changes.key_usage:
            transfers = [(*transfer[:-1], *transfer.details) for transfer in changes.transfers]
            await self._connection.execute(
                sql.WRITE_MOVEMENTS,
                *_columns(changes.wallets.values(), WALLET_FIELDS),
                list(changes.key_usage),
                list(changes.key_usage.values()),
                *_transposed(changes.receipts, len(Receipt._fields)),
                *_transposed(transfers, TRANSFER_WIDTH),
            )

    async def find_overdue_holds(self, now: datetime, limit: int) -> list[str]:
        rows = await self._connection.fetch(sql.FIND_OVERDUE_HOLDS, now, limit)
        return [row["key"] for row in rows]

    async def _lock_wallets(self, needs: Needs) -> dict[int, Wallet]:
        if needs.holds:
            statement, arguments = sql.LOCK_WALLETS_AND_THOSE_OF_HOLDS, (needs.owners, needs.holds)
        else:
            statement, arguments = sql.LOCK_WALLETS, (needs.owners,)
        rows = await self._connection.fetch(statement, *arguments)
        return {row["id"]: Wallet(*row) for row in rows}

    async def _write_rows(self, statement: str, columns: Sequence[Sequence[object]]) -> None:
        if columns[0]:
            await self._connection.execute(statement, *columns)

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
    return [() if column.count(None) == len(rows) else column for column in columns] or [()] * width
