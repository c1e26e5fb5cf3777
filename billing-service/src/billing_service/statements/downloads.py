"""Downloads, streamed page by page: the ledger as CSV, all data of a user and lists of all users as JSON."""

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.models import Account, Transfer
from billing_service.statements.payers import view_receipts
from billing_service.statements.queries import CostlyReads, list_receipts, list_transfers
from billing_service.statements.schemas import ReceiptView, TransferView, WalletView
from kit.errors import DeadlinePassed
from kit.fields import LARGEST_ID
from kit.identity import UserId
from kit.spreadsheets import without_formula

Row = TypeVar("Row")
# A page occupies the event loop for about 12 ms, in pieces; smaller ones take longer in all.
ROWS_AT_ONCE = 500
COLUMNS = tuple(TransferView.model_fields)


async def all_pages(
    reads: CostlyReads,
    user_id: UserId,
    page: Callable[[AsyncSession, Row | None], Awaitable[Sequence[Row]]],
) -> AsyncGenerator[Sequence[Row]]:
    """Page after page of at most ROWS_AT_ONCE rows, each by `page` from the last row of the one before.

    No connection is held between pages, however slow the client is. TimeoutError breaks the download off when
    the time for which the client waits is over.
    """
    last: Row | None = None
    while True:
        try:
            async with reads.session(user_id) as session:
                rows = await page(session, last)
        except DeadlinePassed:
            raise TimeoutError("The client does not wait for the rest of the download.") from None
        yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
        last = rows[-1]


def all_transfers(reads: CostlyReads, user_id: UserId, account_id: int) -> AsyncGenerator[Sequence[Transfer]]:
    """All transfers of a user's account, newest first."""

    async def page(session: AsyncSession, last: Transfer | None) -> Sequence[Transfer]:
        before = LARGEST_ID if last is None else last.id
        return await list_transfers(session, account_id, before, ROWS_AT_ONCE)

    return all_pages(reads, user_id, page)


def all_receipts(reads: CostlyReads, user_id: UserId) -> AsyncGenerator[Sequence[ReceiptView]]:
    """All receipts of a user, oldest first."""

    async def page(session: AsyncSession, last: ReceiptView | None) -> Sequence[ReceiptView]:
        return await view_receipts(session, await list_receipts(session, user_id, last, ROWS_AT_ONCE))

    return all_pages(reads, user_id, page)


async def transfers_as_csv(pages: AsyncIterator[Sequence[Transfer]], account_id: int) -> AsyncGenerator[str]:
    yield _csv_lines([COLUMNS])
    async for rows in pages:
        views = [TransferView.of(row, account_id).model_dump(mode="json") for row in rows]
        yield _csv_lines([[_cell(view[column]) for column in COLUMNS] for view in views])


async def export_as_json(reads: CostlyReads, wallet: Account, user_id: UserId) -> AsyncGenerator[str]:
    """The JSON document of `Export`, without holding it in memory."""
    see = TransferView.seen_from(wallet.id)
    transfers = ([see(row) for row in rows] async for rows in all_transfers(reads, user_id, wallet.id))
    receipts = all_receipts(reads, user_id)
    yield f'{{"wallet":{WalletView.of(wallet).model_dump_json()},"ledger":['
    async for chunk in json_items(transfers):
        yield chunk
    yield '],"receipts":['
    async for chunk in json_items(receipts):
        yield chunk
    yield "]}"


async def json_items(pages: AsyncIterator[Sequence[BaseModel]]) -> AsyncGenerator[str]:
    """The items of a JSON array, without its brackets."""
    comma = ""
    async for views in pages:
        if views:
            yield comma + ",".join(view.model_dump_json() for view in views)
            comma = ","


async def begin(chunks: AsyncGenerator[str]) -> AsyncGenerator[str]:
    """Wait for the first chunk: an outage before it is answered by an error, not by a broken download."""
    first = await anext(chunks)

    async def continued() -> AsyncGenerator[str]:
        yield first
        async for chunk in chunks:
            yield chunk

    return continued()


def _cell(value: str | int | None) -> str | int | None:
    return without_formula(value) if isinstance(value, str) else value


def _csv_lines(rows: Sequence[Sequence[str | int | None]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
