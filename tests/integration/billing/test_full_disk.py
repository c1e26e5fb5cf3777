"""A full disk and a database that accepts no changes: 507 or 503, and afterwards everything works again."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from tests.support.billing import ADMIN, Billing, charge, event, hold, running_billing, user_created
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

from local.postgres import account_to_run_as

USER = 7
AS_ADMIN = bearer(ADMIN, role="admin")
WRITTEN = ("accounts", "holds", "owners", "prices", "purchases", "quotes", "transfers")
CHARGES = 250
# Enough charges to fill the small disk.
MOST_CALLS = 60
OUTAGES = [
    ("disk_full", 507, "storage_full"),
    ("read_only_sql_transaction", 503, "unavailable"),
    ("io_error", 503, "unavailable"),
]


@pytest.fixture(autouse=True)
async def wallet(billing: Billing) -> None:
    await billing.register(USER)
    await billing.grant(USER, 1_000_000)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of one MiB, for PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="farebox-small-disk-"))
    folder.chmod(0o755)
    if os.geteuid() != 0 or mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)) != 0:
        folder.rmdir()
        pytest.skip("mounting a file system needs more privileges")
    if (account := account_to_run_as()) is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 - the system's program
    folder.rmdir()


@pytest.fixture
async def transfers_on_small_disk(as_owner: asyncpg.Connection, small_disk: Path) -> AsyncIterator[Path]:
    space = small_disk.name.replace("-", "_")
    await as_owner.execute(f"CREATE TABLESPACE {space} LOCATION '{small_disk}'")
    await as_owner.execute(f"ALTER TABLE billing.transfers SET TABLESPACE {space}")
    yield small_disk
    await as_owner.execute("ALTER TABLE billing.transfers SET TABLESPACE pg_default")
    await as_owner.execute(f"DROP TABLESPACE {space}")


async def test_charges_continue_once_a_full_disk_has_room(
    billing: Billing, transfers_on_small_disk: Path
) -> None:
    calls = 0
    while (refused := await operate(billing, *charges(calls))).status_code == 200:
        calls += 1
        assert calls < MOST_CALLS, "the disk is not full"
    assert_problem(refused, 507, "storage_full")
    assert "Retry-After" in refused.headers
    charged = calls * CHARGES
    assert (await billing.wallet(USER))["tokens"] == 1_000_015 - 5 * charged
    assert (await billing.charge(USER, "0-0"))["replayed"]
    assert mount("-o", "remount,size=16m", str(transfers_on_small_disk)) == 0
    assert (await operate(billing, *charges(calls))).status_code == 200
    assert (await billing.wallet(USER))["tokens"] == 1_000_015 - 5 * (charged + CHARGES)


@pytest.mark.parametrize(("condition", "status", "code"), OUTAGES)
async def test_every_write_reports_the_outage_and_works_afterwards(
    billing: Billing, as_owner: asyncpg.Connection, condition: str, status: int, code: str
) -> None:
    await billing.hold(USER, "held")
    created = user_created(8, "ada@example.org")
    async with failing_writes(as_owner, condition):
        for response in (
            await operate(billing, charge(USER), hold(USER)),
            await operate(billing, {"operation": "settle", "hold": "held"}),
            *await write_all(billing, "during"),
            await billing.deliver(created),
            await billing.deliver(event("user_deleted", user_id=USER)),
        ):
            assert_problem(response, status, code)
        assert (await billing.wallet(USER))["held"] == 5
    assert (await operate(billing, charge(USER), hold(USER))).status_code == 200
    assert (await billing.settle("held"))["tokens"] == 5
    assert all(response.is_success for response in await write_all(billing, "during"))
    assert (await billing.deliver(created)).status_code == 204


async def test_sweeper_continues_after_an_outage(database: Database, as_owner: asyncpg.Connection) -> None:
    async with running_billing(database, sweep_seconds=0.05) as billing:
        await billing.hold(USER, "work")
        async with failing_writes(as_owner, "disk_full"):
            assert_problem(await operate(billing, charge(USER)), 507, "storage_full")
            await as_owner.execute("SET session_replication_role = replica")
            await as_owner.execute("UPDATE billing.holds SET expires_at = now() - interval '1s'")
            await as_owner.execute("SET session_replication_role = origin")
            assert (await billing.wallet(USER))["held"] == 5
        while (await billing.wallet(USER))["held"] > 0:
            pass


async def write_all(billing: Billing, key: str) -> list[httpx.Response]:
    """Every other kind of write, under one idempotency key."""
    own, admin = ({**headers, "Idempotency-Key": key} for headers in (bearer(USER), AS_ADMIN))
    card = {"amount": 10, "credit_card": "4242424242424242"}
    grant = {"amount": 10, "reason": "for the test"}
    return [
        await billing.http.post("/v1/purchases", json=card, headers=own),
        await billing.http.post("/v1/quotes", json={"action": "train"}, headers=own),
        await billing.http.post(f"/v1/users/{USER}/grants", json=grant, headers=admin),
        await billing.http.put("/v1/prices/train", json={"tokens": 2}, headers=AS_ADMIN),
    ]


async def operate(billing: Billing, *operations: dict[str, object]) -> httpx.Response:
    body = {"operations": operations}
    return await billing.http.post("/internal/operations", json=body, headers=billing.service_headers)


def charges(call: int) -> list[dict[str, object]]:
    return [charge(USER, f"{call}-{number}") for number in range(CHARGES)]


@asynccontextmanager
async def failing_writes(connection: asyncpg.Connection, condition: str) -> AsyncIterator[None]:
    """Every write fails with the error of PostgreSQL that has this condition name."""
    await connection.execute(f"""
        CREATE FUNCTION billing.fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING ERRCODE = '{condition}', MESSAGE = 'a test'; END $$
    """)
    for table in WRITTEN:
        await connection.execute(f"""
            CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON billing.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION billing.fail()
        """)
    yield
    await connection.execute("DROP FUNCTION billing.fail() CASCADE")


def mount(*arguments: str) -> int:
    command = ["mount", *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode  # noqa: S603 - as above
