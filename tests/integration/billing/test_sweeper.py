"""The sweeper of overdue holds."""

import asyncpg
from tests.support.billing import Billing
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from billing_service.ledger.service import Ledger
from billing_service.prices.cache import PriceCache
from kit.background import background_tasks
from kit.database import Database as Connections
from kit.settings import DatabaseSettings

USER = 7


async def test_failed_expiry_is_not_counted_and_is_repeated_by_the_next_sweep(
    billing: Billing, database: Database, as_owner: asyncpg.Connection
) -> None:
    await billing.register(USER)
    await billing.hold(USER, "work")
    await as_owner.execute("UPDATE billing.holds SET expires_at = now() - interval '1s'")
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    connections = Connections(settings, "sweeper")
    ledger = Ledger(connections, PriceCache())
    async with background_tasks(ledger.write_forever()):
        await as_owner.execute("ALTER TABLE billing.accounts RENAME TO hidden")
        assert await ledger.sweep() == 0
        await as_owner.execute("ALTER TABLE billing.hidden RENAME TO accounts")
        await ledger.sweep()
    await connections.close()
    assert await billing.wallet(USER) == {"tokens": 15, "held": 0, "available": 15}
