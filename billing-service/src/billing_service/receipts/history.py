"""All of a user's receipts, however many they are."""

from collections.abc import AsyncGenerator, Sequence

from billing_service.receipts.models import Receipt
from billing_service.receipts.repository import ReceiptRepository
from kit.database import Database

ROWS_AT_ONCE = 1000


async def every_receipt(database: Database, owner_id: int) -> AsyncGenerator[Sequence[Receipt]]:
    """Some at a time, oldest first, holding a connection only while reading them."""
    last: Receipt | None = None
    while True:
        async with database.read() as session:
            rows = await ReceiptRepository(session).list_after(owner_id, last, ROWS_AT_ONCE)
        yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
        last = rows[-1]
