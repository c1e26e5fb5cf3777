"""Derives every balance again from transfers and holds, within one snapshot."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from billing_service.verification.models import Difference, Totals
from kit.database import SILENCE_SECONDS, Database

MOST_DIFFERENCES = 100
# Adding up a large ledger takes longer than any other statement may.
STATEMENT_SECONDS = 280

# Beside all wallets, this finds transfers and holds of accounts that do not exist.
DERIVED = """
WITH moved AS (
    SELECT account, sum(amount) AS posted FROM (
        SELECT credit_account AS account, amount FROM billing.transfers
        UNION ALL SELECT debit_account, -amount FROM billing.transfers
    ) AS sides GROUP BY account
), aside AS (
    SELECT wallet_id, sum(tokens) AS held FROM billing.holds WHERE state = 'held' GROUP BY wallet_id
)
SELECT coalesce(accounts.id, moved.account, aside.wallet_id) AS account, owner_id, house,
    accounts.posted AS kept_posted, coalesce(moved.posted, 0)::bigint AS derived_posted,
    accounts.held AS kept_held, coalesce(aside.held, 0)::bigint AS derived_held
FROM billing.accounts
FULL JOIN moved ON moved.account = accounts.id
FULL JOIN aside ON aside.wallet_id = coalesce(accounts.id, moved.account)
"""

DIFFERENCES = f"""
SELECT account, owner_id, kept_posted, derived_posted, kept_held, derived_held FROM ({DERIVED}) AS derived
WHERE house IS NULL
    AND (kept_posted IS DISTINCT FROM derived_posted OR kept_held IS DISTINCT FROM derived_held)
ORDER BY account LIMIT {MOST_DIFFERENCES}
"""  # noqa: S608 - ours

HOUSE = f"SELECT house, derived_posted FROM ({DERIVED}) AS derived WHERE house IS NOT NULL"  # noqa: S608 - ours

TOTALS = """
SELECT
    (SELECT count(*) FROM billing.accounts WHERE house IS NULL) AS wallets,
    (SELECT coalesce(sum(posted), 0)::bigint FROM billing.accounts) AS in_wallets,
    (SELECT count(*) FROM billing.transfers) AS transfers,
    (SELECT count(*) FROM billing.holds WHERE state = 'held') AS open_holds,
    (SELECT coalesce(sum(amount), 0)::bigint FROM billing.transfers WHERE kind = 'charge') AS charged,
    (SELECT coalesce(sum(settled_tokens), 0)::bigint FROM billing.holds) AS settled,
    (SELECT coalesce(sum(tokens), 0)::bigint FROM billing.receipts WHERE kind = 'charge') AS receipted
"""


class VerificationRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def list_differences(self) -> list[Difference]:
        return [Difference(**row) for row in await self._fetch(DIFFERENCES)]

    async def sum_house(self) -> dict[str, int]:
        return {row["house"]: row["derived_posted"] for row in await self._fetch(HOUSE)}

    async def count(self) -> Totals:
        (row,) = await self._fetch(TOTALS)
        return Totals(**row)

    async def _fetch(self, statement: str) -> list[asyncpg.Record]:
        return await self._connection.fetch(statement, timeout=STATEMENT_SECONDS + SILENCE_SECONDS)


@asynccontextmanager
async def open_snapshot(database: Database) -> AsyncGenerator[VerificationRepository]:
    """Everything is seen as of one moment, while others go on writing."""
    async with (
        database.driver() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        yield VerificationRepository(connection)
