"""Constraints and privileges of the billing schema, independent of the service."""

import asyncpg
import pytest
from tests.support.billing import Billing
from tests.support.postgres import Database

USER = 7
APPEND_ONLY = ["transfers", "receipts", "receipt_parts", "operations", "prices"]


@pytest.fixture(autouse=True)
async def charged(billing: Billing) -> None:
    await billing.register(USER)
    await billing.hold(USER, "work")
    await billing.settle("work")


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_append_only_table_refuses_changes_by_its_owner(
    as_owner: asyncpg.Connection, table: str
) -> None:
    for statement in (
        f"UPDATE billing.{table} SET created_at = now()",  # noqa: S608 - above
        f"DELETE FROM billing.{table}",  # noqa: S608 - above
        f"TRUNCATE billing.{table}",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await as_owner.execute(statement)


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_service_has_no_privilege_to_delete_history(database: Database, table: str) -> None:
    settings = database.settings("billing")
    service = await asyncpg.connect(
        host=settings["db_host"],
        database=settings["db_name"],
        user=settings["db_user"],
        password=settings["db_password"],
    )
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute(f"DELETE FROM billing.{table}")  # noqa: S608 - above
    finally:
        await service.close()


@pytest.mark.parametrize(
    "change",
    [
        "posted = -1",
        "held = posted + 1",
        "held = -1",
        "closed_at = now()",
        "house = 'grants'",
        "kind = 'pool'",
        "group_id = 1",
        "kind = 'allowance', owner_id = NULL, group_id = 1, member_id = 7",
    ],
)
async def test_constraint_refuses_an_overspent_wallet(as_owner: asyncpg.Connection, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await as_owner.execute(f"UPDATE billing.accounts SET {change} WHERE owner_id = {USER}")  # noqa: S608 - above


@pytest.mark.parametrize(("debit", "credit", "amount"), [(1, 1000, 0), (1, 1000, -1), (1000, 1000, 1)])
async def test_constraint_refuses_zero_amounts_and_equal_accounts(
    as_owner: asyncpg.Connection, debit: int, credit: int, amount: int
) -> None:
    statement = """
        INSERT INTO billing.transfers (debit_account, credit_account, amount, kind, operation, balance_after)
        VALUES ($1, $2, $3, 'grant', 'x', 0)
    """
    with pytest.raises(asyncpg.CheckViolationError):
        await as_owner.execute(statement, debit, credit, amount)
