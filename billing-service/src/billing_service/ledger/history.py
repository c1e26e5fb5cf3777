"""All of an account's transfers, however many they are."""

from collections.abc import AsyncGenerator, Sequence

from billing_service.ledger.models import Transfer
from billing_service.statements.queries import HistoryRepository
from kit.database import Database
from kit.fields import LARGEST_ID

ROWS_AT_ONCE = 1000


async def every_transfer(database: Database, account_id: int) -> AsyncGenerator[Sequence[Transfer]]:
    """Some at a time, newest first, holding a connection only while reading them."""
    before = LARGEST_ID
    while True:
        async with database.read() as session:
            rows = await HistoryRepository(session).list_of_account(account_id, before, ROWS_AT_ONCE)
        yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
        before = rows[-1].id
