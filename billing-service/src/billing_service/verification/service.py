"""Whether the books balance."""

from billing_service.verification.models import Findings
from billing_service.verification.repository import open_snapshot
from kit.database import Database


async def verify(database: Database) -> Findings:
    async with open_snapshot(database) as books:
        return Findings(await books.count(), await books.sum_house(), await books.list_differences())
