"""Verification of the ledger: recalculates all balances from transfers and holds, in one snapshot."""

from collections.abc import AsyncGenerator, Mapping
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
    SELECT account, sum(tokens) AS held FROM (
        SELECT wallet_id AS account, tokens FROM billing.holds WHERE state = 'held' AND group_id IS NULL
        UNION ALL SELECT account_id, parts.tokens FROM billing.hold_parts AS parts
        JOIN billing.holds ON holds.key = parts.hold_key WHERE state = 'held'
    ) AS open GROUP BY account
)
SELECT coalesce(accounts.id, moved.account, aside.account) AS account, owner_id, house,
    accounts.posted AS kept_posted, coalesce(moved.posted, 0)::bigint AS derived_posted,
    accounts.held AS kept_held, coalesce(aside.held, 0)::bigint AS derived_held
FROM billing.accounts
FULL JOIN moved ON moved.account = accounts.id
FULL JOIN aside ON aside.account = coalesce(accounts.id, moved.account)
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
    (SELECT count(*) FROM billing.accounts WHERE kind = 'wallet') AS wallets,
    (SELECT coalesce(sum(posted), 0)::bigint FROM billing.accounts) AS in_wallets,
    (SELECT count(*) FROM billing.transfers) AS transfers,
    (SELECT count(*) FROM billing.holds WHERE state = 'held') AS open_holds,
    (SELECT coalesce(sum(amount), 0)::bigint FROM billing.transfers WHERE kind = 'charge') AS charged,
    (SELECT coalesce(sum(amount), 0)::bigint FROM billing.transfers WHERE kind = 'refund') AS refunded,
    (SELECT coalesce(sum(settled_tokens), 0)::bigint FROM billing.holds)
        + charges.answered AS settled,
    charges.receipted, charges.receipted_refunds,
    (SELECT count(*) FROM billing.holds
        WHERE group_id IS NOT NULL AND (tokens, coalesce(settled_tokens, 0)) <> (
            SELECT coalesce(sum(parts.tokens), 0), coalesce(sum(parts.settled_tokens), 0)
            FROM billing.hold_parts AS parts WHERE hold_key = key
        )
    ) + (SELECT count(*) FROM billing.receipts WHERE group_id IS NOT NULL AND tokens <> (
        SELECT coalesce(sum(parts.tokens), 0) FROM billing.receipt_parts AS parts WHERE receipt_id = id
    )) AS incomplete_parts
FROM (
    SELECT coalesce(sum(tokens) FILTER (WHERE kind = 'charge'), 0)::bigint AS receipted,
        coalesce(sum(tokens) FILTER (WHERE input_hash IS NOT NULL), 0)::bigint AS answered,
        coalesce(sum(tokens) FILTER (WHERE kind = 'refund'), 0)::bigint AS receipted_refunds
    FROM billing.receipts
) AS charges
"""


# Tokens that came into a group's accounts, those that are left, and those that went.
GROUPS = """
WITH moved AS (
    SELECT group_id,
        coalesce(sum(amount) FILTER (WHERE kind = 'pool_grant'), 0)::bigint AS granted,
        coalesce(sum(amount) FILTER (WHERE kind = 'purchase'), 0)::bigint AS purchased,
        coalesce(sum(CASE kind WHEN 'charge' THEN amount WHEN 'refund' THEN -amount END), 0)::bigint
            AS charged,
        coalesce(sum(amount) FILTER (WHERE kind = 'pool_closed'), 0)::bigint AS closed
    FROM billing.transfers WHERE group_id IS NOT NULL GROUP BY group_id
), funds AS (
    SELECT group_id,
        coalesce(sum(posted) FILTER (WHERE kind = 'pool'), 0)::bigint AS pool,
        coalesce(sum(posted) FILTER (WHERE kind = 'allowance'), 0)::bigint AS allowances
    FROM billing.accounts WHERE group_id IS NOT NULL GROUP BY group_id
)
SELECT group_id, coalesce(granted, 0) AS granted, coalesce(purchased, 0) AS purchased,
    coalesce(pool, 0) AS pool, coalesce(allowances, 0) AS allowances, coalesce(charged, 0) AS charged,
    coalesce(closed, 0) AS closed
FROM funds FULL JOIN moved USING (group_id)
ORDER BY group_id
"""


class DifferenceView(BaseModel):
    """An account whose stored balance differs from the sum of its transfers and holds."""

    account: int
    owner_id: int | None
    kept_posted: int | None
    derived_posted: int
    kept_held: int | None
    derived_held: int


class GroupSums(BaseModel):
    """A group whose books balance: `granted` and `purchased` equal the sum of the others."""

    group_id: int
    granted: int
    purchased: int
    pool: int
    allowances: int
    charged: int
    closed: int
    balanced: bool

    @classmethod
    def of(cls, row: Mapping[str, int]) -> "GroupSums":
        left = row["pool"] + row["allowances"] + row["charged"] + row["closed"]
        return cls(**row, balanced=row["granted"] + row["purchased"] == left)


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
    # Holds and receipts of groups whose parts do not add up.
    incomplete_parts: int
    groups: list[GroupSums]


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
        groups = [GroupSums.of(dict(row)) for row in await _fetch(connection, GROUPS)]
    balance = totals["in_wallets"] + sum(house.values())
    agreed = totals["charged"] == totals["settled"] == totals["receipted"]
    agreed = agreed and totals["refunded"] == totals["receipted_refunds"]
    agreed = agreed and totals["incomplete_parts"] == 0 and all(group.balanced for group in groups)
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
        incomplete_parts=totals["incomplete_parts"],
        groups=groups,
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
