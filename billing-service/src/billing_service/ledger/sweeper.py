"""Gives back what holds set aside when nobody came to settle or release them."""

import asyncio
from datetime import UTC, datetime

import structlog

from billing_service.ledger.commands import Expire
from billing_service.ledger.repository import open_books
from billing_service.ledger.service import Ledger
from kit.database import Database
from kit.errors import ServiceError
from kit.outages import describe_outage

MOST_AT_ONCE = 500

log = structlog.stdlib.get_logger()


class Sweeper:
    """Any number of replicas may sweep: the ledger decides under the wallet's lock who was first."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    async def sweep(self) -> int:
        """How many overdue holds are overdue no more."""
        async with open_books(self._database) as repository:
            overdue = await repository.find_overdue_holds(datetime.now(UTC), MOST_AT_ONCE)
        outcomes = await self._ledger.post([Expire(key) for key in overdue]) if overdue else []
        return sum(not isinstance(each, ServiceError) for each in outcomes)

    async def sweep_forever(self, every: float) -> None:
        while True:
            try:
                while await self.sweep() == MOST_AT_ONCE:
                    pass
            except Exception as error:
                # The next round must come whatever went wrong with this one.
                log.warning("sweep_failed", error=type(error).__name__, outage=describe_outage(error))
            await asyncio.sleep(every)
