"""Long ledgers: downloads in pages, turns of users, and one verification at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.support.billing import ADMIN, DEADLINE_SECONDS, Billing, count_waiting, until_waiting, user_created
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET, bearer

from billing_service.statements.downloads import ROWS_AT_ONCE, all_transfers, transfers_as_csv
from billing_service.statements.queries import CostlyReads
from kit.database import Database as Connections
from kit.deadlines import start_deadline
from kit.errors import DeadlinePassed
from kit.identity import UserId
from kit.settings import DatabaseSettings

USER, OTHER = UserId(7), UserId(8)
ROWS = 2 * ROWS_AT_ONCE + 50
AS_ADMIN = bearer(ADMIN, role="admin")


@pytest.fixture(autouse=True)
async def wallet_id(billing: Billing, as_owner: asyncpg.Connection) -> int:
    """The wallet of USER, whose ledger has more than two pages of a download."""
    await billing.register(USER)
    statement = "SELECT id FROM billing.accounts WHERE owner_id = $1"
    wallet_id = await as_owner.fetchval(statement, USER)
    await as_owner.execute(
        """
        INSERT INTO billing.transfers (debit_account, credit_account, amount, kind, operation, balance_after)
        SELECT 1, $1, 1, 'grant', 'grant:' || number, 15 + number
        FROM generate_series(1, $2::bigint) AS number
        """,
        wallet_id,
        ROWS,
    )
    await as_owner.execute("UPDATE billing.accounts SET posted = posted + $1 WHERE id = $2", ROWS, wallet_id)
    return wallet_id


@pytest.fixture
async def connections(database: Database) -> AsyncIterator[Connections]:
    """Two connections that read, as many as of an instance with default settings."""
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    own = Connections(settings, "test", 5)
    yield own
    await own.close()


class TestDownloads:
    async def test_csv_has_every_transfer_once(self, billing: Billing) -> None:
        response = await billing.http.get("/v1/me/ledger?format=csv", headers=bearer(USER))
        lines = response.text.splitlines()[1:]
        assert len({line.partition(",")[0] for line in lines}) == len(lines) == ROWS + 1

    async def test_export_has_every_transfer(self, billing: Billing) -> None:
        export = (await billing.http.get("/v1/me/export", headers=bearer(USER))).json()
        assert len(export["ledger"]) == ROWS + 1

    async def test_slow_readers_hold_no_connection(self, connections: Connections, wallet_id: int) -> None:
        reads = CostlyReads(connections)
        downloads = [transfers_as_csv(all_transfers(reads, USER, wallet_id), wallet_id) for _ in range(20)]
        for _ in ("header", "first page"):
            await asyncio.gather(*[anext(download) for download in downloads])
        async with asyncio.timeout(DEADLINE_SECONDS):
            await connections.ping()
            await asyncio.gather(*[anext(download) for download in downloads])
        for download in downloads:
            await download.aclose()

    async def test_download_ends_with_the_time_for_which_its_client_waits(
        self, connections: Connections, wallet_id: int
    ) -> None:
        pages = all_transfers(CostlyReads(connections), USER, wallet_id)
        assert len(await anext(pages)) == ROWS_AT_ONCE
        start_deadline(b"0")
        with pytest.raises(TimeoutError):
            await anext(pages)

    async def test_course_list_has_every_user_once(self, billing: Billing) -> None:
        users = range(100, 100 + ROWS)
        created = [user_created(user, f"user{user}@example.org") for user in users]
        for half in (created[::2], created[1::2]):
            assert (await billing.deliver(*half)).status_code == 204
        body = (await billing.http.get("/admin/users", headers=AS_ADMIN)).json()
        assert body["count"] == len(body["users"]) == len({user["id"] for user in body["users"]}) == ROWS + 1

    async def test_course_list_of_nobody_is_empty(self, billing: Billing) -> None:
        body = (await billing.http.get("/admin/users?min_tokens=1000000", headers=AS_ADMIN)).json()
        assert body == {"status": "success", "users": [], "count": 0}

    async def test_outage_before_a_download_is_503(
        self, billing: Billing, as_owner: asyncpg.Connection
    ) -> None:
        async with as_owner.transaction():
            await as_owner.execute("LOCK TABLE billing.owners")
            response = await billing.http.get("/admin/users", headers=AS_ADMIN)
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")


class TestTurns:
    async def test_a_user_with_many_requests_waits_for_other_users(self, connections: Connections) -> None:
        reads, order = CostlyReads(connections), list[UserId]()

        async def read(user: UserId) -> None:
            async with reads.session(user):
                order.append(user)
                await asyncio.sleep(0.01)

        flood = [asyncio.create_task(read(USER)) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.gather(read(OTHER), *flood)
        assert OTHER in order[:3]

    async def test_costly_reads_leave_a_connection_to_others(self, connections: Connections) -> None:
        reads, reading = CostlyReads(connections), asyncio.Event()
        end = asyncio.Event()

        async def read(user: int) -> None:
            async with reads.session(UserId(user)) as session:
                await session.connection()
                reading.set()
                await end.wait()

        tasks = [asyncio.create_task(read(user)) for user in range(5)]
        await reading.wait()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await connections.ping()
        end.set()
        await asyncio.gather(*tasks)

    async def test_pages_of_one_users_ledger_leave_connections_to_others(
        self, billing: Billing, as_owner: asyncpg.Connection
    ) -> None:
        await billing.register(OTHER)
        async with locked(as_owner, "transfers"):
            pages = [
                asyncio.create_task(billing.http.get("/v1/me/ledger", headers=bearer(USER)))
                for _ in range(20)
            ]
            await until_waiting(as_owner)
            async with asyncio.timeout(DEADLINE_SECONDS):
                wallet = await billing.http.get("/v1/me/wallet", headers=bearer(OTHER))
            assert wallet.status_code == 200
            assert await count_waiting(as_owner) == 1
        assert {page.status_code for page in await asyncio.gather(*pages)} == {200}

    async def test_read_that_nobody_waits_for_is_skipped(self, connections: Connections) -> None:
        start_deadline(b"0")
        with pytest.raises(DeadlinePassed):
            async with CostlyReads(connections).session(USER):
                pass


async def test_concurrent_verifications_share_one_run_and_leave_charges_their_connections(
    billing: Billing, as_owner: asyncpg.Connection
) -> None:
    async with locked(as_owner, "holds"):
        requests = [
            asyncio.create_task(billing.http.get("/v1/ledger/verify", headers=AS_ADMIN)) for _ in range(8)
        ]
        await until_waiting(as_owner)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert (await billing.charge(USER))["status"] == 200
        assert await count_waiting(as_owner) == 1
    responses = await asyncio.gather(*requests)
    assert all(response.json()["balanced"] for response in responses)


@asynccontextmanager
async def locked(connection: asyncpg.Connection, table: str) -> AsyncIterator[None]:
    """Statements that read this table wait until the block ends."""
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE billing.{table}")
        yield
