"""Batches of the ledger: their statements, HOT updates, and prices that are cached until they change."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.integration.billing.test_charges import change_price
from tests.support.billing import Billing, charge, running_billing, until_waiting, user_created
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from billing_service.caches import PayerCache, listen_together
from billing_service.ledger.commands import ChargeTokens, KeyCap, OpenWallet
from billing_service.ledger.service import Ledger
from billing_service.prices.cache import PriceCache
from kit.background import background_tasks
from kit.database import Database as Connections
from kit.identity import ApiKeyId, UserId
from kit.settings import DatabaseSettings

USERS = range(100, 140)
DEADLINE_SECONDS = 10


class RecordingConnections(Connections):
    """Records each statement that a driver connection sends."""

    def __init__(self, *arguments: Any) -> None:  # Any: those of the base class
        super().__init__(*arguments)
        self.statements: list[str] = []

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[asyncpg.Connection]:
        async with super().driver() as connection:
            with connection.query_logger(lambda record: self.statements.append(record.query)):
                yield connection


@pytest.fixture
async def connections(database: Database) -> AsyncGenerator[RecordingConnections]:
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    recording = RecordingConnections(settings, "test", 4)
    yield recording
    await recording.close()


@pytest.fixture
async def ledger(billing: Billing, connections: RecordingConnections) -> AsyncGenerator[Ledger]:
    """A ledger of its own beside the running instance, whose prices are cached and wallets open."""
    await billing.register(USERS[0])
    prices, payers = PriceCache(), PayerCache()
    own = Ledger(connections, prices, payers)
    notifications = listen_together(prices, payers)
    async with background_tasks(own.write_forever(), notifications.listen(connections)):
        await own.post([OpenWallet(UserId(user), f"opening:{user}", 1000) for user in USERS])
        await wait_until(lambda: notifications.is_listening)
        await own.post(charges("warm"))
        connections.statements.clear()
        yield own


def charges(prefix: str, api_key: KeyCap | None = None) -> list[ChargeTokens]:
    return [ChargeTokens(UserId(user), f"{prefix}-{user}", "predict", 1, None, api_key) for user in USERS]


def without_checks(statements: list[str]) -> list[str]:
    """Without those of the connection that listens."""
    return [statement for statement in statements if statement != "SELECT 1"]


@pytest.mark.parametrize("api_key", [None, KeyCap(ApiKeyId(5), 10_000)])
async def test_batch_of_charges_takes_five_statements(
    ledger: Ledger, connections: RecordingConnections, api_key: KeyCap | None
) -> None:
    outcomes = await ledger.post(charges("batch", api_key))
    assert not any(isinstance(outcome, Exception) for outcome in outcomes)
    begin, lock, read, write, commit = without_checks(connections.statements)
    assert (begin.partition(";")[0], commit) == ("BEGIN", "COMMIT")
    assert "FOR NO KEY UPDATE" in lock
    assert "UNION ALL" in read
    assert "INSERT INTO billing.transfers" in write


async def test_concurrent_charges_share_batches(ledger: Ledger, connections: RecordingConnections) -> None:
    await asyncio.gather(*[ledger.post([each]) for each in charges("apart")])
    assert without_checks(connections.statements).count("COMMIT") <= 3


async def test_replayed_charges_write_nothing(ledger: Ledger, connections: RecordingConnections) -> None:
    await ledger.post(charges("warm"))
    assert len(without_checks(connections.statements)) == 4


async def test_updates_of_wallets_and_key_usage_are_hot(
    database: Database, as_owner: asyncpg.Connection
) -> None:
    # Enough wallets to fill pages, because an update is HOT only while its page has room.
    many = range(1000, 1250)
    async with running_billing(database, opening_grant=1000) as billing:
        await billing.deliver(*[user_created(user, f"user{user}") for user in many])
        for _ in range(8):
            key = {"id": 5, "token_cap": None}
            await billing.operate(*[charge(user, api_key=key) for user in many])
    # The statistics of a connection are complete when it has ended.
    expected = 8 * len(many)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (await updates_of(as_owner, "accounts"))[0] < expected:
        assert time.monotonic() < deadline, "the statistics are incomplete"
        await asyncio.sleep(0.05)
    for table in ("accounts", "key_usage"):
        updated, hot = await updates_of(as_owner, table)
        # A few updates in the transaction that opened all these wallets found their page full.
        assert hot > 0.99 * updated


async def updates_of(connection: asyncpg.Connection, table: str) -> tuple[int, int]:
    statement = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1"
    row = await connection.fetchrow(statement, table)
    assert row is not None
    return row["n_tup_upd"], row["n_tup_hot_upd"]


class TestPrices:
    async def test_new_price_applies_on_other_replicas_within_a_second(
        self, billing: Billing, database: Database
    ) -> None:
        async with running_billing(database) as other:
            await billing.register(7)
            await billing.grant(7, 100)
            assert [(await each.charge(7))["tokens"] for each in (billing, other)] == [5, 5]
            await change_price(billing, 2)
            changed = time.monotonic()
            assert (await billing.charge(7))["tokens"] == 2
            while (await other.charge(7))["tokens"] != 2:
                assert time.monotonic() < changed + 1, "the other replica charges the old price"
                await asyncio.sleep(0.01)

    async def test_cached_prices_are_not_read_again(
        self, ledger: Ledger, connections: RecordingConnections
    ) -> None:
        await ledger.post(charges("more"))
        assert not any("billing.prices" in statement for statement in connections.statements)

    async def test_prices_are_read_for_each_batch_while_not_listening(
        self, billing: Billing, connections: RecordingConnections
    ) -> None:
        await billing.register(USERS[0])
        own = Ledger(connections, PriceCache())
        async with background_tasks(own.write_forever()):
            for number in range(3):
                await own.post(charges(f"batch-{number}"))
        assert sum("billing.prices" in statement for statement in connections.statements) == 3


async def wait_until(condition: Any) -> None:  # Any: a callable without arguments
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_wallets_are_locked_in_order_of_their_ids(
    billing: Billing, as_owner: asyncpg.Connection
) -> None:
    """Whatever the order of owners and rows: batches with common wallets then wait instead of deadlocking."""
    rows = "VALUES (5001, 2001), (5000, 2002)"
    await as_owner.execute(f"INSERT INTO billing.accounts (id, owner_id) OVERRIDING SYSTEM VALUE {rows}")
    lock = "SELECT owner_id FROM billing.accounts WHERE owner_id = ANY($1::bigint[]) FOR NO KEY UPDATE"
    async with as_owner.transaction():
        await as_owner.fetch(lock, [2001])
        charging = asyncio.create_task(billing.operate(charge(2001), charge(2002)))
        await until_waiting(as_owner)
        unlocked = await as_owner.fetch(f"{lock} SKIP LOCKED", [2001, 2002])
    await charging
    assert [row["owner_id"] for row in unlocked] == [2001]
