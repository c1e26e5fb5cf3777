"""Load test of the ledger: 10,000 random commands from concurrent callers on two replicas."""

import asyncio
import random

import asyncpg
from tests.support.billing import ADMIN, Billing, charge, hold, refund, refund_hold, running_billing
from tests.support.postgres import Database
from tests.support.tokens import bearer

USERS = range(10, 30)
CALLERS, CALLS, PER_CALL = 40, 50, 5
KEYS = 2000
VERIFICATIONS = 10
# Some holds expire under load; others live until they are settled, even on a slow machine.
TTLS = (1, 2, 60)

Body = dict[str, object]


def random_operation(rng: random.Random) -> Body:
    """A command on one of a few keys, so that callers share holds; a key always has the same input."""
    key = rng.randrange(KEYS)
    user = USERS[key % len(USERS)]
    api_key = {"id": user, "token_cap": 200} if key % 5 == 0 else None
    pay = charge(user, f"charge-{key}", units=key % 4, resource=f"model-{key % 3}", api_key=api_key)
    place = hold(user, f"key-{key}", units=key % 4, action="predict", ttl_seconds=TTLS[key % 3])
    end = {"hold": f"key-{key}"}
    choices: list[Body] = [
        pay,
        pay,
        refund(user, f"charge-{key}"),
        place,
        place,
        {"operation": "settle", **end},
        {"operation": "settle", "tokens": rng.randrange(6), **end},
        {"operation": "release", **end},
        {"operation": "extend", "ttl_seconds": 1, **end},
        refund_hold(user, f"key-{key}"),
    ]
    return rng.choice(choices)


async def run_caller(billing: Billing, rng: random.Random) -> int:
    """Send commands, and a grant with every tenth request; returns the number of commands."""
    for n in range(CALLS):
        results = await billing.operate(*[random_operation(rng) for _ in range(PER_CALL)])
        assert {result["status"] for result in results} <= {200, 402, 404, 409, 422}
        if n % 10 == 0:
            await billing.grant(rng.choice(USERS), 20)
    return CALLS * PER_CALL


async def verify_repeatedly(billing: Billing) -> None:
    """Verify that the books balance under load, not only at the end."""
    for _ in range(VERIFICATIONS):
        await billing.assert_books_balance()


async def test_books_balance_after_10_000_random_operations(database: Database) -> None:
    async with (
        running_billing(database, opening_grant=50, sweep_seconds=0.2) as one,
        running_billing(database, opening_grant=50, sweep_seconds=0.2) as two,
    ):
        await asyncio.gather(*[one.register(user) for user in USERS])
        callers = [run_caller((one, two)[n % 2], random.Random(n)) for n in range(CALLERS)]  # noqa: S311 - no secret
        counts = await asyncio.gather(*callers, verify_repeatedly(one))
        assert sum(filter(None, counts)) == 10_000
        await one.assert_books_balance()
        await assert_each_key_applied_once(database)
        response = await one.http.get("/v1/ledger/verify", headers=bearer(ADMIN, role="admin"))
        assert response.json()["sum"] == 0


async def assert_each_key_applied_once(database: Database) -> None:
    owner = await asyncpg.connect(database.admin_dsn)
    try:
        twice = "SELECT operation FROM billing.transfers GROUP BY operation HAVING count(*) > 1"
        assert await owner.fetch(twice) == []
        assert await owner.fetch("SELECT id FROM billing.accounts WHERE posted < held OR held < 0") == []
        kinds = "SELECT kind, count(*) FROM billing.transfers GROUP BY kind"
        counts = {row["kind"]: row["count"] for row in await owner.fetch(kinds)}
        assert counts["charge"] > 100
        assert counts["refund"] > 20
    finally:
        await owner.close()
