"""Whether the books balance."""

from billing_service.statements.verification import open_snapshot
from billing_service.verification.models import Findings
from kit.database import Database


async def verify(database: Database) -> Findings:
    async with open_snapshot(database) as books:
        return Findings(await books.count(), await books.sum_house(), await books.list_differences())
