"""Verification of the ledger: recalculates all balances from transfers and holds, in one snapshot."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
from pydantic import BaseModel

from kit.background import SingleFlight
from kit.database import SILENCE_SECONDS, Database

LARGEST_REPORT = 100
# The sums over a large ledger take longer than the timeout of other statements.
STATEMENT_SECONDS = 280

# Full joins, to include transfers and holds of accounts that do not exist.
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
ORDER BY account LIMIT {LARGEST_REPORT}
"""  # noqa: S608 - ours

HOUSE = f"SELECT house, derived_posted FROM ({DERIVED}) AS derived WHERE house IS NOT NULL"  # noqa: S608 - ours

TOTALS = """
SELECT
    (SELECT count(*) FROM billing.accounts WHERE house IS NULL) AS wallets,
    (SELECT coalesce(sum(posted), 0)::bigint FROM billing.accounts) AS in_wallets,
    (SELECT count(*) FROM billing.transfers) AS transfers,
    (SELECT count(*) FROM billing.holds WHERE state = 'held') AS open_holds,
    (SELECT coalesce(sum(amount), 0)::bigint FROM billing.transfers WHERE kind = 'charge') AS charged,
    (SELECT coalesce(sum(amount), 0)::bigint FROM billing.transfers WHERE kind = 'refund') AS refunded,
    (SELECT coalesce(sum(settled_tokens), 0)::bigint FROM billing.holds)
        + charges.answered AS settled,
    charges.receipted, charges.receipted_refunds
FROM (
    SELECT coalesce(sum(tokens) FILTER (WHERE kind = 'charge'), 0)::bigint AS receipted,
        coalesce(sum(tokens) FILTER (WHERE input_hash IS NOT NULL), 0)::bigint AS answered,
        coalesce(sum(tokens) FILTER (WHERE kind = 'refund'), 0)::bigint AS receipted_refunds
    FROM billing.receipts
) AS charges
"""


class DifferenceView(BaseModel):
    """An account whose stored balance differs from the sum of its transfers and holds."""

    account: int
    owner_id: int | None
    kept_posted: int | None
    derived_posted: int
    kept_held: int | None
    derived_held: int


class Verification(BaseModel):
    """The result: in balanced books the `sum` of all accounts is zero and `differences` is empty.

    `charged` (transfers), `settled` (holds, and charges without one) and `receipted` (receipts) are then
    equal, and `refunded` is the part of them that was given back.
    """

    balanced: bool
    sum: int
    wallets: int
    transfers: int
    open_holds: int
    house: dict[str, int]
    charged: int
    settled: int
    receipted: int
    refunded: int
    differences: list[DifferenceView]


class Verifier:
    """Verifies the ledger, one run at a time: a run over a large ledger takes minutes.

    Its connection is one of those of the ledger, and concurrent runs would take those of the writers.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: SingleFlight[str, Verification] = SingleFlight()

    async def verify(self) -> Verification:
        """The result of the running verification, or of a new one."""
        return await self._running.run("ledger", lambda: _verify(self._database))


async def _verify(database: Database) -> Verification:
    async with _open_snapshot(database) as connection:
        (totals,) = await _fetch(connection, TOTALS)
        house = {row["house"]: row["derived_posted"] for row in await _fetch(connection, HOUSE)}
        differences = [DifferenceView(**row) for row in await _fetch(connection, DIFFERENCES)]
    balance = totals["in_wallets"] + sum(house.values())
    agreed = totals["charged"] == totals["settled"] == totals["receipted"]
    agreed = agreed and totals["refunded"] == totals["receipted_refunds"]
    return Verification(
        balanced=balance == 0 and agreed and not differences,
        sum=balance,
        wallets=totals["wallets"],
        transfers=totals["transfers"],
        open_holds=totals["open_holds"],
        house=house,
        charged=totals["charged"],
        settled=totals["settled"],
        receipted=totals["receipted"],
        refunded=totals["refunded"],
        differences=differences,
    )


@asynccontextmanager
async def _open_snapshot(database: Database) -> AsyncGenerator[asyncpg.Connection]:
    """A connection with a snapshot of the database, which does not block writers."""
    async with (
        database.driver() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        yield connection


async def _fetch(connection: asyncpg.Connection, statement: str) -> list[asyncpg.Record]:
    return await connection.fetch(statement, timeout=STATEMENT_SECONDS + SILENCE_SECONDS)
