"""Overdue holds are given back, and a round that cannot is not repeated without a pause."""

import asyncpg
from tests.support.billing import Billing
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from billing_service.ledger.service import Ledger
from billing_service.ledger.sweeper import Sweeper
from kit.background import background_tasks
from kit.database import Database as Connections
from kit.settings import DatabaseSettings

USER = 7


async def test_what_could_not_be_expired_does_not_count(
    billing: Billing, database: Database, as_owner: asyncpg.Connection
) -> None:
    await billing.register(USER)
    await billing.hold(USER, "work")
    await as_owner.execute("UPDATE billing.holds SET expires_at = now() - interval '1s'")
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    connections = Connections(settings, "sweeper")
    ledger = Ledger(connections)
    async with background_tasks(ledger.write_forever()):
        sweeper = Sweeper(connections, ledger)
        await as_owner.execute("ALTER TABLE billing.accounts RENAME TO mislaid")
        assert await sweeper.sweep() == 0
        await as_owner.execute("ALTER TABLE billing.mislaid RENAME TO accounts")
        await sweeper.sweep()
    await connections.close()
    assert await billing.wallet(USER) == {"tokens": 15, "held": 0, "available": 15}
